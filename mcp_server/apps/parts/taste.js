// A user's taste at a glance: what the interactions are of, how they are rated, when they were, and the latest.

const HISTORY_TOOL = "get_interacted_items_tool";
const MOST_PAGES = 10;
const FIRST_KINDS = 8;
const FIRST_RECENT = 8;
const MOST_COLUMNS = 10;

async function showTaste(host, given, result) {
  let history = { entries: result.items, complete: !result.remaining && !given.offset };
  const draw = (details, rest = "") => replaceContent(main, taste(given, result, history, details, rest));
  if (history.entries.length === 0 || !host.canCallTools) return draw(knownDetails(history.entries));
  draw(knownDetails(history.entries), history.complete ? "" : " Reading the rest …");
  try {
    if (!history.complete) history = await readHistory(host, given.user);
    draw(await summaries(host, history.entries));
  } catch (error) {
    draw(knownDetails(history.entries), ` Not all can be shown: ${error.message}.`);
    announce(`Not all of it can be shown: ${error.message}`);
  }
}

/** A user's history, newest first, as far as it can be had in a few calls. */
async function readHistory(host, user) {
  const entries = [];
  const asked = { user, k: LARGEST_K, ...(ABOUT.summary.length ? { detail: "full" } : {}) };
  for (let page = 0; page < MOST_PAGES; page++) {
    const { items, remaining } = await host.callTool(HISTORY_TOOL, { ...asked, offset: entries.length });
    entries.push(...items);
    if (!remaining || items.length === 0) return { entries, complete: true };
  }
  return { entries, complete: false };
}

function taste({ user }, { message, total }, { entries, complete }, details, rest) {
  const title = `Taste of ${NOUNS.user} ${user ?? ""}`;
  if (entries.length === 0) return nothing(title, message);
  const some = complete ? "all" : `${NUMBER.format(entries.length)} of`;
  return [
    head(title, `From ${some} ${countInteractions(total)}.${rest}`),
    figures(entries, total),
    h("div", { class: "charts" }, kinds(entries, details), ratings(entries), times(entries)),
    recent(entries, details),
  ];
}

const ratingsOf = (entries) => entries.map((entry) => entry.rating).filter((rating) => typeof rating === "number");

/** The few numbers that say most. */
function figures(entries, total) {
  const given = ratingsOf(entries);
  const days = new Set(entries.map((entry) => entry.date).filter(Boolean));
  const shown = [[NUMBER.format(total), total === 1 ? NOUNS.interaction : NOUNS.interactions]];
  if (given.length > 0) {
    const { liked, range } = ABOUT.rating;
    shown.push([ROUGH.format(mean(given)), `on average${range ? `, of ${NUMBER.format(range[1])}` : ""}`]);
    const share = given.filter((rating) => rating >= liked).length / given.length;
    shown.push([PERCENT.format(share), `liked: rated ${NUMBER.format(liked)} or more`]);
  }
  if (days.size === 1) shown.push([DAY.format(new Date([...days][0])), "all on one day"]);
  const terms = shown.map(([figure, label]) => h("div", null, h("dt", null, label), h("dd", null, figure)));
  return h("dl", { class: "figures" }, terms);
}

function section(id, title, ...content) {
  return h("section", { "aria-labelledby": id, class: id }, h("h2", { id }, title), content);
}

/** What the items are: how many have each value of the first category of the summary. Null where nothing is known. */
function kinds(entries, details) {
  const field = ABOUT.summary.find((each) => each.kind === "category");
  if (field === undefined) return null;
  const found = new Map();
  for (const entry of entries) {
    for (const name of [details.get(entry.item_id)?.[field.name] ?? []].flat()) {
      found.set(name, [...(found.get(name) ?? []), entry]);
    }
  }
  if (found.size === 0) return null;
  const sorted = [...found].sort(([, one], [, other]) => other.length - one.length);
  const rows = sorted.map(([name, of]) => [name, of.length, ratingsOf(of)]);
  const most = rows[0][1];
  const lines = rows.slice(0, FIRST_KINDS).map(([name, number, given]) =>
    h(
      "li",
      null,
      h("span", { class: "kind" }, name),
      h(
        "span",
        { class: "amount" },
        NUMBER.format(number),
        given.length ? h("span", { class: "unit" }, ` · ${ROUGH.format(mean(given))} avg`) : null,
      ),
      bar(number / most),
    ),
  );
  const label = capitalized(field.label);
  const heads = [label, capitalized(NOUNS.items), ...(rows[0][2].length ? ["Average rating"] : [])];
  const cells = rows.map(([name, number, given]) => [
    name,
    NUMBER.format(number),
    ...(heads.length === 3 ? [given.length ? ROUGH.format(mean(given)) : ""] : []),
  ]);
  const table = tableAlternative("kinds-table", `${label} of the ${NOUNS.items}`, heads, cells);
  return section("kinds", label, h("ul", { class: "kinds-bars" }, lines), table);
}

/** How the ratings are spread. Null where there are none. */
function ratings(entries) {
  const given = ratingsOf(entries);
  if (given.length === 0) return null;
  const bins = binsOf(given);
  const most = Math.max(...bins.map((bin) => bin.number));
  const shares = bins.map(({ number, liked }) => ({ share: number / most, kind: liked ? "first" : "pale" }));
  const ticks = (words) =>
    h("div", { class: "ticks", "aria-hidden": "true" }, words.map((word) => h("span", null, word)));
  const rows = bins.map(({ label, number }) => [label, NUMBER.format(number)]);
  return section(
    "ratings",
    capitalized(NOUNS.interactions),
    h("p", { class: "readout" }, `In full colour: liked, ${NUMBER.format(ABOUT.rating.liked)} or more`),
    ticks(bins.map(({ number }) => NUMBER.format(number))),
    columns(shares, 132),
    ticks(bins.map(({ label }) => label)),
    tableAlternative("ratings-table", "How many of each rating", ["Rating", "Number"], rows),
  );
}

/** Ratings by their value where there are few, with the whole numbers between; else in equal steps. */
function binsOf(given) {
  const { range, liked } = ABOUT.rating;
  const [least, most] = range ?? [Math.min(...given), Math.max(...given)];
  const whole = [least, ...given].every(Number.isInteger) && most - least < MOST_COLUMNS;
  const between = whole ? Array.from({ length: most - least + 1 }, (_, place) => least + place) : [];
  const values = [...new Set([...between, ...given])].sort((one, other) => one - other);
  if (values.length <= MOST_COLUMNS) {
    return values.map((value) => ({
      label: NUMBER.format(value),
      number: given.filter((rating) => rating === value).length,
      liked: value >= liked,
    }));
  }
  const step = (most - least) / MOST_COLUMNS;
  const binOf = (rating) => Math.min(Math.floor((rating - least) / step), MOST_COLUMNS - 1);
  return Array.from({ length: MOST_COLUMNS }, (_, place) => ({
    label: `from ${NUMBER.format(least + place * step)}`,
    number: given.filter((rating) => binOf(rating) === place).length,
    liked: least + place * step >= liked,
  }));
}

/** When they were. Null where that is not known, or all were on one day. */
function times(entries) {
  const dated = entries.filter((entry) => entry.date);
  if (dated.length === 0) return null;
  const periods = periodsOf(dated);
  if (periods.length === 1) return null; // the figures say so
  const over = `${capitalized(NOUNS.interactions)} over time`;
  const rows = periods.filter((period) => period.entries.length > 0).map((period) => {
    const given = ratingsOf(period.entries);
    const average = ABOUT.rating ? [given.length ? ROUGH.format(mean(given)) : ""] : [];
    return [period.label, NUMBER.format(period.entries.length), ...average];
  });
  const heads = ["When", "Number", ...(ABOUT.rating ? ["Average rating"] : [])];
  return section("times", over, timeline(periods), tableAlternative("times-table", over, heads, rows));
}

/** The latest interactions. */
function recent(entries, details) {
  const lines = entries.map((entry) => {
    const known = details.get(entry.item_id) ?? {};
    const said = ABOUT.summary
      .filter((field) => field.year || field.kind === "category")
      .map((field) => sayValue(field, known[field.name]))
      .filter((text) => text !== null);
    return h(
      "li",
      null,
      h(
        "div",
        null,
        h("span", { class: "title" }, titleElement(entry)),
        h("span", { class: "unit" }, said.join(" · ")),
      ),
      h(
        "div",
        { class: "when" },
        typeof entry.rating === "number" ? ratingElement(entry.rating) : null,
        entry.date ? h("span", { class: "unit" }, DAY.format(new Date(entry.date))) : null,
      ),
    );
  });
  const more = firstOf(lines, FIRST_RECENT, "more-recent", `Show all ${NUMBER.format(lines.length)}`);
  return section("recent", "Latest first", h("ol", { class: "recent-list" }, lines), more);
}

/** A rating as stars where they are few enough to count at a glance, else in words. */
function ratingElement(rating) {
  const most = ABOUT.rating?.range?.[1];
  if (!Number.isInteger(most) || most > 5 || !Number.isInteger(rating)) {
    return h("span", { class: "amount" }, sayRating(rating));
  }
  const [full, empty] = ["★".repeat(rating), "★".repeat(most - rating)];
  const stars = [h("span", { class: "full" }, full), h("span", { class: "empty" }, empty)];
  return h("span", null, h("span", { class: "stars", "aria-hidden": "true" }, stars), hidden(sayRating(rating)));
}

startPage({
  waiting: ({ user }) => `Reading the ${NOUNS.interactions} of ${NOUNS.user} ${user ?? ""} …`,
  show: showTaste,
});
