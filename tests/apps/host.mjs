// A host, made of the official parts for hosts: it shows one page in a frame, and leaves what it is asked to the test
// around it (callTool, takeMessage), which answers out of a real server.

import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";

/** Show the page at a URL, in place of the one before; resolves when it has introduced itself. */
window.openView = async ({ url, capabilities, context }) => {
  await window.bridge?.close();
  document.querySelector("iframe")?.remove();
  const frame = document.createElement("iframe");
  frame.title = "view";
  frame.sandbox = "allow-scripts";
  document.body.append(frame);
  const bridge = new AppBridge(null, { name: "test-host", version: "1" }, capabilities, { hostContext: context });
  window.bridge = bridge;
  window.sizes = [];
  bridge.oncalltool = ({ name, arguments: given }) => window.callTool(name, given ?? {});
  bridge.onmessage = (message) => window.takeMessage(message);
  bridge.onsizechange = (size) => {
    window.sizes.push(size);
    frame.style.height = `${size.height}px`;
  };
  const initialized = new Promise((resolve) => {
    bridge.oninitialized = resolve;
  });
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.src = url;
  await initialized;
  return bridge.getAppVersion();
};
