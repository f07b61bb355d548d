// Elements of the document. All text goes in as text: nothing from the catalogue is ever read as HTML.

function maker(namespace) {
  /** attributes: functions are listeners, true is an empty attribute; what is null or false is left out. */
  return (name, attributes, ...children) => {
    const made = document.createElementNS(namespace, name);
    for (const [attribute, value] of Object.entries(attributes ?? {})) {
      if (value === null || value === undefined || value === false) continue;
      if (typeof value === "function") made.addEventListener(attribute, value);
      else made.setAttribute(attribute, value === true ? "" : value);
    }
    made.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
    return made;
  };
}

const h = maker("http://www.w3.org/1999/xhtml");
const svg = maker("http://www.w3.org/2000/svg");

const hidden = (text) => h("span", { class: "for-screen-readers" }, text);

/** A bar of a share from 0 to 1. It only shows what stands beside it in words. */
function bar(share, kind = "first") {
  const percent = `${(100 * Math.min(Math.max(share, 0), 1)).toFixed(2)}%`;
  return svg(
    "svg",
    { class: `bar ${kind}`, "aria-hidden": "true", width: "100%", height: "6" },
    svg("rect", { class: "track", width: "100%", height: "6", rx: "3" }),
    svg("rect", { class: "value", width: percent, height: "6", rx: "3" }),
  );
}

/** Columns side by side; each has a share of the height, and a kind for its colour. */
function columns(each, height) {
  const step = 100 / each.length;
  const gap = Math.min(step * 0.25, 1.5);
  return svg(
    "svg",
    { class: "columns", "aria-hidden": "true", width: "100%", height },
    each.map(({ share, kind = "first" }, place) => {
      const tall = share > 0 ? Math.max(share * (height - 1), 2) : 0;
      return svg("rect", {
        class: kind,
        x: `${place * step + gap / 2}%`,
        y: height - 1 - tall,
        width: `${step - gap}%`,
        height: tall,
        rx: Math.min(3, tall / 2),
      });
    }),
    svg("line", { class: "base", x1: "0", x2: "100%", y1: height - 0.5, y2: height - 0.5 }),
  );
}

/** What a chart shows, as a table that opens. */
function tableAlternative(id, caption, heads, rows) {
  return h(
    "details",
    { class: "table-alternative", id },
    h("summary", { id: `${id}-summary` }, "As a table", hidden(`: ${caption}`)),
    h(
      "div",
      { class: "scrolls", tabindex: "0", role: "group", "aria-label": caption },
      h(
        "table",
        null,
        h("caption", { class: "for-screen-readers" }, caption),
        h("thead", null, h("tr", null, heads.map((head) => h("th", { scope: "col" }, head)))),
        h(
          "tbody",
          null,
          rows.map(([first, ...rest]) =>
            h("tr", null, h("th", { scope: "row" }, first), rest.map((cell) => h("td", null, cell))),
          ),
        ),
      ),
    ),
  );
}

/** The first parts of a long list, and a button for the rest. */
function firstOf(parts, most, id, wording) {
  const rest = parts.slice(most);
  if (rest.length === 0) return null;
  for (const part of rest) part.hidden = true;
  return h(
    "button",
    {
      type: "button",
      class: "more",
      id,
      click: (event) => {
        for (const part of rest) part.hidden = false;
        // Whoever came by the keyboard goes on at the first part that has come.
        rest[0].tabIndex = -1;
        rest[0].focus({ preventScroll: true });
        event.currentTarget.remove();
      },
    },
    wording,
  );
}

/** Put new content in place of old; what has the focus keeps it, and what is open stays open, by their IDs. */
function replaceContent(parent, ...content) {
  const focused = parent.contains(document.activeElement) ? document.activeElement.id : "";
  const open = [...parent.querySelectorAll("details[open]")].map((details) => details.id);
  parent.replaceChildren(...content.flat().filter((child) => child !== null && child !== undefined));
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}
