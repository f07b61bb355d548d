// What Chainlit's page leaves out: the system's colours by default, names of buttons for those who do not see them,
// and the address of a conversation on narrow screens.
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
    "thread-options": "Rename or delete this conversation",
    "mode-picker-trigger-model": "Model",
  };
  const label = () => {
    for (const icon of document.querySelectorAll("button:not([aria-label]) > svg.lucide-copy")) {
      icon.parentElement.setAttribute("aria-label", "Copy");
    }
    for (const [id, name] of Object.entries(names)) {
      for (const element of document.querySelectorAll(`[id="${id}"]`)) {
        const wanted = id === "mode-picker-trigger-model" ? `${name}: ${element.textContent}` : name;
        if (element.getAttribute("aria-label") !== wanted) element.setAttribute("aria-label", wanted);
        if (element.tagName === "DIV") element.setAttribute("tabindex", "0");
      }
    }
  };
  new MutationObserver(label).observe(document.documentElement, {
    attributeFilter: ["id"], // one button is made into another
    characterData: true,
    childList: true,
    subtree: true,
  });

  // Chainlit's list of conversations puts the address, but on a narrow screen it is not there until it is opened.
  window.addEventListener("message", ({ source, data }) => {
    if (source === window && data?.thread && location.pathname === "/") {
      history.replaceState(history.state, "", `/thread/${encodeURIComponent(data.thread)}`);
    }
  });
})();
