// The page of a report. All text goes in as text: nothing that an assistant has written is ever read as HTML.

const reports = JSON.parse(document.getElementById("reports").textContent);

function h(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes ?? {})) made.setAttribute(attribute, value);
  made.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
  return made;
}

const DASH = "–";
const number = (value, digits = 0) =>
  value === null ? DASH : value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const plural = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
const dollars = (value) => (value === null ? DASH : `$${number(value, value < 1 ? 4 : 2)}`);
const anyHas = (key) => reports.some(({ total }) => total[key] !== null && total[key] !== 0);
for (const { total } of reports) total.n_missing = total.unanswered - total.errors;

function wide(label, table) {
  return h("div", { class: "wide", role: "region", tabindex: "0", "aria-label": label }, table);
}

// The figures of each assistant

function shareCell({ share, interval, right, questions }) {
  const value = h("i", {});
  value.style.width = `${share}%`;
  const [low, high] = interval.map((each) => number(each));
  return h(
    "td",
    {},
    h("span", { class: "share" }, `${number(share, 1)}%`),
    h("small", {}, `${right} of ${questions}; ${low}–${high}%`),
    h("span", { class: "bar", "aria-hidden": "true" }, value),
  );
}

const some = (count) => h("td", count ? { class: "some" } : {}, number(count));

const COLUMNS = [
  ["right (95% interval)", null, shareCell],
  ["calls of tools", "median_calls", (total) =>
    h("td", {}, number(total.median_calls, total.median_calls % 1 ? 1 : 0), h("small", {}, `most ${number(total.most_calls)}`))],
  ["failed calls", "failed_calls", (total) => some(total.failed_calls)],
  ["tokens a question", "tokens_in", ({ tokens_in, tokens_out }) =>
    h("td", {}, number(tokens_in), h("small", {}, `and ${number(tokens_out)} written`))],
  ["cost", "dollars", (total) =>
    h(
      "td",
      {},
      dollars(total.dollars),
      total.dollars === null
        ? null
        : h("small", {}, `${dollars((1000 * total.dollars) / total.questions)} per 1,000`),
    )],
  ["seconds", "median_seconds", (total) => h("td", {}, number(total.median_seconds, 1))],
  ["remarks", "remarked", (total) => some(total.remarked)],
  ["errors", "errors", (total) => some(total.errors)],
  ["not asked", "n_missing", (total) => some(total.n_missing)],
];

function summary() {
  const shown = COLUMNS.filter(([, key]) => key === null || anyHas(key));
  return h(
    "table",
    {},
    h("thead", {}, h("tr", {}, h("th", {}, "assistant"), shown.map(([head]) => h("th", { scope: "col" }, head)))),
    h(
      "tbody",
      {},
      reports.map(({ assistant, total }) =>
        h("tr", {}, h("th", { scope: "row" }, assistant), shown.map(([, , cell]) => cell(total))),
      ),
    ),
  );
}

// Right by family

function heatCell({ share, right, questions }) {
  const cell = h("td", {}, `${number(share)}% `, h("small", {}, `${right} of ${questions}`));
  const [from, to, part] = share < 50 ? ["bad", "fair", share * 2] : ["fair", "good", (share - 50) * 2];
  cell.style.background = `color-mix(in oklab, var(--${to}) ${part}%, var(--${from}))`;
  return cell;
}

function heat() {
  return h(
    "table",
    { class: "heat" },
    h(
      "thead",
      {},
      h("tr", {}, h("th", {}, "family"), reports.map(({ assistant }) => h("th", { scope: "col" }, assistant))),
    ),
    h(
      "tbody",
      {},
      reports[0].families.map(({ family }, place) =>
        h("tr", {}, h("th", { scope: "row" }, family), reports.map(({ families }) => heatCell(families[place]))),
      ),
    ),
  );
}

// What went wrong

function step({ tool, arguments: given, error }) {
  const words = Object.entries(given).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return h(
    "li",
    {},
    h("code", {}, `${tool}(${words.join(", ")})`),
    error === null ? null : h("div", { class: "some" }, error),
  );
}

function wrongAnswer({ id, family, question, why, answer, steps, remarks }) {
  const turns = question.split("\n");
  return h(
    "details",
    {},
    h(
      "summary",
      {},
      h("span", { class: "family" }, family),
      h("b", {}, turns.at(-1)),
      h("span", { class: "why" }, why),
    ),
    h(
      "dl",
      {},
      turns.length > 1 ? [h("dt", {}, "Conversation"), h("dd", {}, h("ol", {}, turns.map((turn) => h("li", {}, turn))))] : [],
      h("dt", {}, "Answer"),
      h("dd", {}, answer || "none"),
      steps.length ? [h("dt", {}, "Calls"), h("dd", {}, h("ol", {}, steps.map(step)))] : [],
      remarks.length ? [h("dt", {}, "Remarks"), h("dd", {}, remarks.join("\n"))] : [],
      h("dt", {}, "ID"),
      h("dd", {}, h("code", {}, id)),
    ),
  );
}

function wrongAnswers({ assistant, total, wrong }) {
  if (!wrong.length) return h("p", {}, `${assistant}: all ${plural(total.questions, "answer")} are right.`);
  return h(
    "details",
    {},
    h("summary", {}, h("b", {}, assistant), ` ${plural(wrong.length, "wrong answer")}`),
    wrong.map(wrongAnswer),
  );
}

const { dataset, seed, total } = reports[0];
document.title = `${plural(total.questions, "question")} about ${dataset}`;
document.getElementById("report").replaceChildren(
  h("h1", {}, `${plural(total.questions, "question")} about ${dataset}, ${plural(reports.length, "assistant")}`),
  h(
    "p",
    {},
    "Every question has an answer that was computed from the dataset itself. A question without an answer counts as " +
      "wrong. Calls and seconds are medians. Assistants whose intervals overlap widely may well be equally good: more questions tell." +
      (seed === null ? "" : ` The seed is ${seed}.`),
  ),
  wide("The assistants", summary()),
  h("h2", {}, "Right by family"),
  wide("Right by family", heat()),
  h("h2", {}, "What went wrong"),
  h("p", {}, "Each wrong answer with what was expected, and the calls of tools that were made for it."),
  ...reports.map(wrongAnswers),
);
