// Popular items as bars, and beside them those of another group of users.

const POPULAR_TOOL = "get_popular_items_tool";
const FIRST_ROWS = 10;
const EVERYBODY = "";

const groupsOf = (given) => [given ?? []].flat();

/** "all users" in the dataset's own word, or the names of groups. */
function sayGroups(given) {
  const names = groupsOf(given).map(spaced);
  return names.length ? LIST.format(names) : `all ${NOUNS.users}`;
}

/** The time that a call is about, in words: ", since 1998"; empty for all time. */
function sayTime({ since, until }) {
  return [since ? `, since ${since}` : "", until ? `, until ${until}` : ""].join("");
}

function showPopularity(host, given, result) {
  const title = `Popular ${NOUNS.items}`;
  if (result.items.length === 0) return replaceContent(main, nothing(title, result.message));
  const beside = h("div", { class: "beside", id: "beside" });
  const own = side("own", capitalized(sayGroups(given.user_group)) + sayTime(given), result.items, "first");
  const chart = h("div", { class: "sides" }, own, beside);
  const others = othersThan(given);
  const choice = host.canCallTools && others.length ? groupChoice(others, compare) : null;
  replaceContent(main, head(title, result.message, choice), chart);

  let asked = 0;

  /** Put another group's list beside the first; null takes it away. */
  async function compare(group) {
    const number = ++asked;
    chart.classList.toggle("two", group !== null);
    if (group === null) {
      beside.replaceChildren();
      return announce("Only the first list is shown.");
    }
    beside.setAttribute("aria-busy", "true");
    const { user_group: _, ...same } = given;
    try {
      const other = await host.callTool(POPULAR_TOOL, group === EVERYBODY ? same : { ...same, user_group: [group] });
      if (number !== asked) return; // another group has been chosen meanwhile
      const name = capitalized(group === EVERYBODY ? sayGroups() : spaced(group)) + sayTime(given);
      beside.replaceChildren(comparison(name, result.items, other));
      announce(other.message);
    } catch (error) {
      if (number !== asked) return;
      beside.replaceChildren(notice("This group cannot be shown", error.message, "failure"));
    }
    beside.removeAttribute("aria-busy");
  }
}

/** The groups that can be put beside an answer: all but its own, and everybody where it is of a group. */
function othersThan({ user_group: group }) {
  const own = groupsOf(group);
  const lists = ABOUT.groups.map(({ label, names }) => ({
    label,
    names: own.length === 1 ? names.filter((name) => name !== own[0]) : names,
  }));
  const everybody = own.length ? [{ label: "", names: [EVERYBODY] }] : [];
  return [...everybody, ...lists].filter(({ names }) => names.length > 0);
}

/** One choice among all groups, as radio buttons: arrow keys move it, Escape undoes it. */
function groupChoice(lists, chosen) {
  const option = (text, group, checked = false) =>
    h(
      "label",
      { class: "option" },
      h("input", { type: "radio", name: "group", checked, change: () => chosen(group) }),
      h("span", null, text),
    );
  const nobody = option("nobody", null, true);
  const first = nobody.querySelector("input");
  return h(
    "fieldset",
    {
      class: "choice",
      keydown: (event) => {
        if (event.key !== "Escape" || first.checked) return;
        first.checked = true;
        first.focus();
        chosen(null);
      },
    },
    h("legend", null, "Compare with"),
    h("div", { class: "options" }, nobody),
    lists.map(({ label, names }) =>
      h(
        "div",
        { class: "options" },
        label ? h("span", { class: "label" }, capitalized(label)) : null,
        names.map((name) => option(name === EVERYBODY ? sayGroups() : spaced(name), name)),
      ),
    ),
  );
}

/** One list as a table with bars. notes: words about an item, by its ID. */
function side(id, name, items, kind, notes = new Map()) {
  const most = Math.max(...items.map((item) => item.n_interactions));
  const standsOut = items.some((item) => item.stands_out);
  const rows = items.map((item, place) =>
    h(
      "tr",
      { class: standsOut && !item.stands_out ? "below" : "" },
      h("td", { class: "rank" }, String(place + 1)),
      h(
        "th",
        { scope: "row" },
        h("span", { class: "title" }, titleElement(item), " ", notes.get(item.item_id)),
        bar(item.n_interactions / most, kind),
        standsOut && !item.stands_out ? hidden("does not stand out") : null,
      ),
      h("td", { class: "amount" }, NUMBER.format(item.n_interactions)),
    ),
  );
  return h(
    "div",
    { class: "side" },
    h(
      "table",
      null,
      h("caption", null, name),
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          h("th", { scope: "col", class: "rank" }, hidden("Rank")),
          h("th", { scope: "col" }, capitalized(NOUNS.item)),
          h("th", { scope: "col", class: "amount" }, capitalized(NOUNS.interactions)),
        ),
      ),
      h("tbody", null, rows),
    ),
    firstOf(rows, FIRST_ROWS, `more-${id}`, `Show all ${countItems(rows.length)}`),
  );
}

/** Another group's list, with where its items are in the first one. */
function comparison(name, first, other) {
  if (other.items.length === 0) return h("p", { class: "lede" }, other.message);
  const places = new Map(first.map((item, place) => [item.item_id, place]));
  const both = other.items.filter((item) => places.has(item.item_id)).length;
  const said = `${countItems(both)} of ${other.items.length} ${both === 1 ? "is" : "are"} in both lists.`;
  const notes = new Map(other.items.map((item, place) => [item.item_id, noteOf(places.get(item.item_id), place)]));
  return h(
    "div",
    null,
    side("other", name, other.items, "second", notes),
    h("p", { class: "lede" }, `${other.message} ${said}`),
  );
}

function noteOf(before, now) {
  if (before === undefined) return h("span", { class: "note new" }, "only here");
  const moved = before - now;
  if (moved === 0) return h("span", { class: "note" }, "=", hidden(" same place"));
  const [by, sign, where] = moved > 0 ? [moved, "▲", "higher"] : [-moved, "▼", "lower"];
  const words = hidden(`${by} ${by === 1 ? "place" : "places"} ${where}`);
  return h("span", { class: "note" }, h("span", { "aria-hidden": "true" }, `${sign} ${by}`), words);
}

startPage({
  waiting: ({ user_group: group }) => `Counting ${NOUNS.interactions} of ${sayGroups(group)} …`,
  show: showPopularity,
});
