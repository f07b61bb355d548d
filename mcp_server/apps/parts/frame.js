// What all pages do: wait for the result, show it or what went wrong, and ask the server for what is missing.

const METADATA_TOOL = "get_item_metadata_tool";
const LARGEST_K = 100;

const main = document.getElementById("page");
const announcer = document.getElementById("announcer");

/** Tell those who do not see the page change. */
function announce(text) {
  announcer.textContent = text;
}

/** Start the page.
 *  waiting(given): what it waits for, in words. show(host, given, result): put a result on the page. */
function startPage({ waiting, show }) {
  let given = {};
  let shown = false;
  const wait = (params) => {
    given = params.arguments ?? {};
    shown = false;
    showWaiting(waiting(given));
  };
  const host = new Host({
    "tool-input-partial": wait,
    "tool-input": wait,
    // Once for each input: a host may also tell of the calls that the page itself makes.
    "tool-result": (result) => {
      if (shown) return;
      shown = true;
      try {
        if (result.isError) throw new HostError(textOf(result) || "The tool has failed.");
        const structure = structureOf(result);
        main.removeAttribute("aria-busy");
        show(host, given, structure);
        announce(structure.message);
      } catch (error) {
        if (!(error instanceof HostError)) throw error;
        showNotice("This did not work", error.message, "failure");
      }
    },
    "tool-cancelled": ({ reason }) => {
      if (shown) return;
      showNotice("Cancelled", reason ? capitalized(reason) : "The call was stopped before it had a result.");
    },
  });
  showWaiting(waiting(given));
  host.connect(`recsys-mcp ${ABOUT.page}`, ABOUT.version).catch((error) => {
    showNotice("No connection with the host", error.message, "failure");
  });
}

function showWaiting(text) {
  if (main.getAttribute("aria-busy") && main.textContent === text) return; // arguments come in many small pieces
  main.setAttribute("aria-busy", "true");
  const lines = [80, 100, 92, 60].map((width) => svg("rect", { width: `${width}%`, height: "12", rx: "6" }));
  lines.forEach((line, place) => line.setAttribute("y", 24 * place));
  replaceContent(
    main,
    h("p", { class: "lede" }, text),
    svg("svg", { class: "skeleton", width: "100%", height: "84", "aria-hidden": "true" }, lines),
  );
}

function showNotice(title, text, kind = "") {
  main.removeAttribute("aria-busy");
  replaceContent(main, notice(title, text, kind));
}

function notice(title, text, kind = "") {
  const role = kind === "failure" ? "alert" : null;
  return h("div", { class: `notice ${kind}`, role }, h("h1", null, title), h("p", null, text));
}

/** The head of a page. */
function head(title, message, ...more) {
  return h("header", null, h("h1", null, title), h("p", { class: "lede" }, message), more);
}

/** What an answer without any items looks like. */
function nothing(title, message) {
  return h("div", { class: "nothing" }, head(title, message));
}

/** The summary fields that came with items, by ID. */
function knownDetails(items) {
  return new Map(items.filter((item) => item.details).map((item) => [item.item_id, item.details]));
}

/** The summary fields of items, by ID: those that came with them, and the rest from the server where the host lets us.
 *  more: names of fields beside the summary, which never come with items.
 *  Raises: HostError: they cannot be had. */
async function summaries(host, items, more = []) {
  const fields = [...ABOUT.summary.map((field) => field.name), ...more];
  const found = more.length > 0 && host.canCallTools ? new Map() : knownDetails(items);
  const missing = [...new Set(items.map((item) => item.item_id).filter((id) => !found.has(id)))];
  if (fields.length === 0 || !host.canCallTools) return found;
  while (missing.length > 0) {
    const given = { items: missing.slice(0, LARGEST_K), get: fields, limit: LARGEST_K };
    const page = await host.callTool(METADATA_TOOL, given);
    if (page.items.length === 0) break; // there is always one, unless the server is not ours
    for (const item of page.items) found.set(item.item_id, item);
    missing.splice(0, page.items.length); // a result that would be too long is cut; the rest is asked for again
  }
  return found;
}

/** A button that puts words into the conversation, and says whether the host took them. */
function sayButton(host, label, about, text) {
  return h(
    "button",
    {
      type: "button",
      click: async ({ currentTarget: button }) => {
        button.disabled = true;
        try {
          await host.say(text);
          announce(`Asked: ${text}`);
          button.textContent = "Asked";
        } catch (error) {
          announce(`Not asked: ${error.message}`);
          button.textContent = "Not asked";
        }
      },
    },
    label,
    hidden(` (${about})`),
  );
}

/** A title that asks about its item; a plain one where the host takes no words. */
function askingTitle(host, item) {
  if (!host.canSpeak) return titleElement(item);
  const text = `Tell me about ${titleOf(item)} (${NOUNS.item} ${item.item_id}).`;
  const ask = () =>
    host.say(text).then(
      () => announce(`Asked: ${text}`),
      (error) => announce(`Not asked: ${error.message}`),
    );
  return h("button", { type: "button", class: "title", click: ask }, titleElement(item));
}
