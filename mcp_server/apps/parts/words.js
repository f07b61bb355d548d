// Words and numbers for people, with the dataset's own nouns. In English, as the server's messages are.

const ABOUT = JSON.parse(document.getElementById("about").textContent);
const NOUNS = ABOUT.nouns;

const NUMBER = new Intl.NumberFormat("en", { maximumFractionDigits: 4 });
const ROUGH = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const PERCENT = new Intl.NumberFormat("en", { style: "percent" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const MONTH = new Intl.DateTimeFormat("en-GB", { month: "short", year: "numeric", timeZone: "UTC" });
const LIST = new Intl.ListFormat("en");

const capitalized = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const spaced = (name) => name.replaceAll("_", " ");

const countOf = (number, one, many) => `${NUMBER.format(number)} ${number === 1 ? one : many}`;
const countItems = (number) => countOf(number, NOUNS.item, NOUNS.items);
const countInteractions = (number) => countOf(number, NOUNS.interaction, NOUNS.interactions);

/** An item's title, or what it is where it has none. */
function titleOf(item) {
  return item.title ?? `Untitled ${NOUNS.item} ${item.item_id}`;
}

/** A title as an element: one that is missing looks different. */
function titleElement(item) {
  return item.title === null || item.title === undefined ? h("em", null, titleOf(item)) : titleOf(item);
}

/** "3.5 of 5", or the bare number where the dataset does not say out of what. */
function sayRating(rating) {
  const most = ABOUT.rating?.range?.[1];
  return most === undefined ? NUMBER.format(rating) : `${NUMBER.format(rating)} of ${NUMBER.format(most)}`;
}

/** A field's value in words; null where it is not known. */
function sayValue(field, value) {
  if (value === null || value === undefined || value.length === 0) return null;
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value !== "number") return String(value);
  return field.year ? String(value) : NUMBER.format(value);
}

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
