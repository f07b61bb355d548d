// What Chainlit's page leaves out: the system's colours by default, names of buttons for those who do not see them, a
// login that asks for a password alone, the right one of two connections, an arrow to the end of long answers, and
// the address of a conversation on narrow screens.
(() => {
  if (!localStorage.getItem("vite-ui-theme")) localStorage.setItem("vite-ui-theme", "system");

  const names = {
    "chat-submit": "Send",
    "stop-button": "Stop the answer",
    "chat-input": "Your question",
    "new-chat-button": "New conversation",
    "search-chats-button": "Search conversations",
    "sidebar-trigger-button": "Conversations",
    "theme-toggle": "Colours",
    "user-nav-button": "This browser",
    "thread-options": "Rename or delete this conversation",
    "mode-picker-trigger-model": "Model",
  };
  const icons = {
    "lucide-copy": "Copy",
    "lucide-arrow-down": "To the end of the conversation",
    "lucide-eye": "Show the password",
    "lucide-eye-off": "Hide the password",
  };
  const label = () => {
    for (const [icon, name] of Object.entries(icons)) {
      for (const button of document.querySelectorAll(`button:has(> svg.${icon})`)) {
        if (button.getAttribute("aria-label") !== name) button.setAttribute("aria-label", name);
      }
    }
    for (const button of document.querySelectorAll("button.edit-message:not([aria-label])")) {
      button.setAttribute("aria-label", "Edit the question");
    }
    fillName();
    for (const [id, name] of Object.entries(names)) {
      for (const element of document.querySelectorAll(`[id="${id}"]`)) {
        const wanted = id === "mode-picker-trigger-model" ? `${name}: ${element.textContent}` : name;
        if (element.getAttribute("aria-label") !== wanted) element.setAttribute("aria-label", wanted);
        if (element.tagName === "DIV") element.setAttribute("tabindex", "0");
      }
    }
  };
  // Chainlit's login wants a name, too; the page knows browsers instead, and the style sheet hides the field.
  const fillName = () => {
    const name = document.querySelector("input#email");
    if (!name || name.value) return;
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(name, "recsys-agent");
    name.dispatchEvent(new Event("input", { bubbles: true }));
    const password = document.querySelector("input#password");
    password.autocomplete = "current-password";
    password.focus();
  };
  new MutationObserver(label).observe(document.documentElement, {
    attributeFilter: ["id"], // one button is made into another
    characterData: true,
    childList: true,
    subtree: true,
  });

  fetch("/auth/config").then(async (answer) => {
    const { passwordAuth } = await answer.json();
    document.documentElement.classList.toggle("no-password", !passwordAuth);
  });

  // Chainlit loads a conversation by two connections, one that does not name it yet and one that does, and asks for a
  // cookie before each. The last to be made stays, and that was the wrong one when the first request was answered last.
  // The cookie is for finding one of several servers again; here is only one.
  const send = window.fetch;
  window.fetch = (...request) =>
    String(request[0]).endsWith("/set-session-cookie") ? Promise.resolve(Response.json({})) : send(...request);

  // Chainlit looks whether the end is in view, and else shows an arrow that leads there, when somebody scrolls, and
  // not while it scrolls to a question itself.
  const lookForEnd = () => {
    for (const box of document.querySelectorAll(".overflow-y-auto")) box.dispatchEvent(new Event("scroll"));
  };
  window.addEventListener("resize", () => setTimeout(lookForEnd, 1000));

  // Chainlit's list of conversations puts the address, but on a narrow screen it is not there until it is opened.
  window.addEventListener("message", ({ source, data }) => {
    if (source === window && data?.thread && location.pathname === "/") {
      history.replaceState(history.state, "", `/thread/${encodeURIComponent(data.thread)}`);
    }
  });
})();
