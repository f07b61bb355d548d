// The host around the frame: JSON-RPC over postMessage, as MCP Apps has it. Knows nothing of what the page shows.

const PROTOCOL_VERSION = "2026-01-26";
const PATIENCE_MS = 60_000;
const METHOD_NOT_FOUND = -32601;

/** The host or the server has refused, or has not answered; the text is for people. */
class HostError extends Error {}

class Host {
  #frame;
  #waiting = new Map();
  #lastId = 0;
  #handlers;
  #capabilities = {};

  /** handlers: functions of the parameters of a notification, by its method without "ui/notifications/". */
  constructor(handlers, frame = window.parent) {
    this.#handlers = handlers;
    this.#frame = frame;
  }

  get canCallTools() {
    return this.#capabilities.serverTools !== undefined;
  }

  /** May the page put words into the conversation? */
  get canSpeak() {
    return this.#capabilities.message !== undefined;
  }

  async connect(name, version) {
    window.addEventListener("message", (event) => {
      if (event.source === this.#frame && event.data?.jsonrpc === "2.0") this.#receive(event.data);
    });
    const greeting = await this.#request("ui/initialize", {
      appInfo: { name, version },
      appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
      protocolVersion: PROTOCOL_VERSION,
    });
    this.#capabilities = greeting.hostCapabilities ?? {};
    wear(greeting.hostContext ?? {});
    this.#notify("ui/notifications/initialized");
    this.#tellSize();
  }

  /** Call a tool of the server that the page comes from; its structured content. */
  async callTool(name, given) {
    const result = await this.#request("tools/call", { name, arguments: given });
    if (result.isError) throw new HostError(textOf(result) || `${name} has failed`);
    return structureOf(result);
  }

  /** Say something in the conversation, as the user. */
  async say(text) {
    const result = await this.#request("ui/message", { role: "user", content: [{ type: "text", text }] });
    if (result.isError) throw new HostError("the host did not take the message");
  }

  #request(method, params) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new HostError("the host has not answered"));
      }, PATIENCE_MS);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#post({ id, method, params });
    });
  }

  #notify(method, params = {}) {
    this.#post({ method, params });
  }

  // The host's origin is not known to a sandboxed page, so messages go to whatever is around it.
  #post(message) {
    this.#frame.postMessage({ jsonrpc: "2.0", ...message }, "*");
  }

  #receive(message) {
    if (message.method === undefined) this.#settle(message);
    else if (message.id !== undefined) this.#answer(message);
    else if (message.method === "ui/notifications/host-context-changed") wear(message.params ?? {});
    else this.#handlers[message.method.replace("ui/notifications/", "")]?.(message.params ?? {});
  }

  #settle({ id, result, error }) {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (error === undefined) waiting.resolve(result ?? {});
    else waiting.reject(new HostError(error.message || "the host has refused"));
  }

  #answer({ id, method }) {
    if (method === "ping" || method === "ui/resource-teardown") this.#post({ id, result: {} });
    else this.#post({ id, error: { code: METHOD_NOT_FOUND, message: `there is no ${method}` } });
  }

  /** Hosts make the frame as tall as what is in it. */
  #tellSize() {
    let told = "";
    const root = document.documentElement;
    new ResizeObserver(() => {
      const size = { width: window.innerWidth, height: Math.ceil(root.getBoundingClientRect().height) };
      if (told === (told = JSON.stringify(size))) return;
      this.#notify("ui/notifications/size-changed", size);
    }).observe(root);
  }
}

/** Look as the host does. Its fonts are not taken: they would have to be fetched. */
function wear({ theme, styles, safeAreaInsets }) {
  const root = document.documentElement;
  if (theme) root.style.colorScheme = theme;
  for (const [name, value] of Object.entries(styles?.variables ?? {})) {
    if (value) root.style.setProperty(name, value);
  }
  for (const [side, pixels] of Object.entries(safeAreaInsets ?? {})) {
    root.style.setProperty(`--inset-${side}`, `${pixels}px`);
  }
}

/** The words of a tool's result. */
function textOf(result) {
  return (result.content ?? [])
    .filter((block) => block.type === "text")
    .map((block) => block.text)
    .join("\n");
}

/** A tool's structured content; some hosts pass on only its text, which is the same as JSON. */
function structureOf(result) {
  if (result.structuredContent) return result.structuredContent;
  try {
    return JSON.parse(textOf(result));
  } catch {
    throw new HostError("the host has passed on no result that can be shown");
  }
}
