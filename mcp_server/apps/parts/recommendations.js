// Recommendations as cards, best first.

const RECOMMEND_TOOL = "get_top_k_recommendations_tool";
const FIRST_CARDS = 12;

function whom({ user, users, liked_items: liked }) {
  const ids = [users ?? user ?? []].flat();
  if (ids.length === 1) return `${NOUNS.user} ${ids[0]}`;
  if (ids.length > 1) return `${NOUNS.users} ${ids.slice(0, -1).join(", ")} and ${ids.at(-1)}`;
  const n_liked = [liked ?? []].flat().length;
  if (n_liked > 0) return `someone who likes ${countItems(n_liked)}`;
  return liked ? "someone new" : `a ${NOUNS.user}`;
}

function showRecommendations(host, given, result) {
  const title = `Recommended for ${whom(given)}`;
  if (result.items.length === 0) return replaceContent(main, nothing(title, result.message));
  const cards = result.items.map((item, place) => new Card(host, given, item, place));
  const elements = cards.map((card) => card.element);
  const more = firstOf(elements, FIRST_CARDS, "more-cards", `Show all ${countItems(elements.length)}`);
  const explain = explainButton(host, given, result, cards);
  replaceContent(main, head(title, result.message, explain), h("ol", { class: "cards" }, elements), more);
  summaries(host, result.items, ABOUT.image ? [ABOUT.image.field] : []).then(
    (found) => cards.forEach((card) => card.describe(found.get(card.id))),
    (error) => announce(`Details cannot be shown: ${error.message}`),
  );
}

/** Where an item stands: its rank among all, and what share of the others fit less, unless the order is popularity. */
function standing({ rank, fit }) {
  if (rank === undefined) return null;
  const numbers = [
    ...(fit === undefined ? [] : [h("span", { class: "label" }, "Fit "), NUMBER.format(fit), ", "]),
    h("span", { class: "label" }, fit === undefined ? "Rank " : "rank "),
    NUMBER.format(rank),
  ];
  return h("div", { class: "standing" }, fit === undefined ? null : bar(fit / 100), h("span", null, numbers));
}

/** A button that gets the reasons, where the answer came without them; null where there is nothing to get. */
function explainButton(host, given, result, cards) {
  if (!host.canCallTools || result.items.some((item) => item.because)) return null;
  return h(
    "button",
    {
      type: "button",
      id: "explain",
      click: async ({ currentTarget: button }) => {
        button.disabled = true;
        try {
          const items = result.items.map((item) => item.item_id);
          const asked = { ...given, items, k: items.length, reasons: true, detail: "compact" };
          const explained = await host.callTool(RECOMMEND_TOOL, asked);
          const reasons = new Map(explained.items.map((item) => [item.item_id, item.because ?? []]));
          cards.forEach((card) => card.explain(reasons.get(card.id)));
          const any = [...reasons.values()].some((because) => because.length > 0);
          if (!any) throw new HostError(explained.message);
          announce("What speaks for each is on its card.");
          cards[0].element.tabIndex = -1;
          cards[0].element.focus({ preventScroll: true });
          button.remove();
        } catch (error) {
          button.textContent = capitalized(error.message);
          announce(error.message);
        }
      },
    },
    "Show what speaks for each",
  );
}

/** The address of an item's picture; null where it has none in the place where all are. */
function pictureOf(details) {
  const { field, base } = ABOUT.image ?? {};
  const named = details?.[field];
  if (!named) return null;
  const isWhole = /^([a-z][a-z\d+.-]*:|\/\/)/i.test(named);
  try {
    const place = new URL(base).href;
    const address = new URL(isWhole ? named : base + named.replace(/^\/+/, ""), base).href;
    return address.startsWith(place) ? address : null;
  } catch {
    return null; // no address at all
  }
}

class Card {
  #facts = h("div", { class: "description" });
  #year = h("span", { class: "year" });
  #because = h("div", { class: "because" });
  #head;

  constructor(host, given, item, place) {
    this.id = item.item_id;
    const heading = `card-${place}`;
    const title = titleOf(item);
    this.#head = h(
      "div",
      { class: "card-head" },
      h("span", { class: "rank" }, String(place + 1)),
      h("h2", { id: heading, title }, askingTitle(host, item), " ", this.#year),
    );
    this.element = h(
      "li",
      { class: "card", "aria-labelledby": heading },
      this.#head,
      this.#facts,
      this.#because,
      standing(item),
      host.canSpeak
        ? h(
            "div",
            { class: "actions" },
            sayButton(host, "More like this", title, moreLike(item, given)),
            sayButton(host, "Why?", title, whyThis(item, given)),
          )
        : null,
    );
    this.describe(item.details);
    this.explain(item.because);
  }

  /** Show what is known of the item. */
  describe(details) {
    if (!details) return;
    const chips = [];
    const facts = [];
    for (const field of ABOUT.summary) {
      const value = details[field.name];
      const text = sayValue(field, value);
      if (text === null) continue;
      if (field.year) this.#year.textContent = text;
      else if (field.kind === "category") chips.push(...[value].flat());
      else facts.push(h("div", null, h("dt", null, capitalized(field.label)), h("dd", null, text, unitOf(field))));
    }
    this.#facts.replaceChildren(
      ...(chips.length ? [h("ul", { class: "chips" }, chips.map((chip) => h("li", null, String(chip))))] : []),
      ...(facts.length ? [h("dl", { class: "facts" }, facts)] : []),
    );
    this.#picture(pictureOf(details));
  }

  /** Show a picture beside the title, which says what it is of; one that cannot be loaded goes away. */
  #picture(address) {
    this.#head.querySelector(".picture")?.remove();
    if (address === null) return;
    const remove = ({ currentTarget: picture }) => picture.remove();
    this.#head.append(
      h("img", { class: "picture", alt: "", loading: "lazy", referrerpolicy: "no-referrer", src: address, error: remove }),
    );
  }

  /** Show what of the history speaks for the item. */
  explain(because) {
    if (!because?.length) return;
    this.#because.replaceChildren(
      h("h3", null, "Because of"),
      h("ul", null, because.map((reason) => h("li", null, titleElement(reason), likedBy(reason), ratedAs(reason)))),
    );
  }
}

/** Of several users, those who like a reason. */
function likedBy({ liked_by: names }) {
  return names ? h("span", { class: "label" }, ` (${names})`) : null;
}

/** The user's own rating of a reason, and its date, where they are known. */
function ratedAs({ rating, date }) {
  const parts = [rating === undefined || rating === null ? "" : `rated ${NUMBER.format(rating)}`, date ?? ""];
  const text = parts.filter(Boolean).join(", ");
  return text ? h("span", { class: "label" }, ` (${text})`) : null;
}

function unitOf(field) {
  return field.unit ? h("span", { class: "unit" }, ` ${field.unit}`) : null;
}

function moreLike(item, given) {
  return `More ${NOUNS.items} like ${titleOf(item)} (${NOUNS.item} ${item.item_id}), for ${whom(given)}.`;
}

function whyThis(item, given) {
  return `Why is ${titleOf(item)} (${NOUNS.item} ${item.item_id}) recommended for ${whom(given)}?`;
}

startPage({
  waiting: (given) => `Choosing ${NOUNS.items} for ${whom(given)} …`,
  show: showRecommendations,
});
