// Interactions over time: columns for days, months or years, and a cursor that reads them out.

const DAY_MS = 86_400_000;

/** Periods that a list of dates falls into, without gaps: as fine as there is room for.
 *  entries: objects with "date" (YYYY-MM-DD). Returns objects with "label" and "entries". */
function periodsOf(entries) {
  const dates = entries.map((entry) => entry.date).sort();
  const [first, last] = [dates[0], dates.at(-1)];
  const days = (Date.parse(last) - Date.parse(first)) / DAY_MS + 1;
  if (days <= 31) {
    const all = Array.from({ length: days }, (_, place) => new Date(Date.parse(first) + place * DAY_MS));
    return fill(all.map((day) => [day.toISOString().slice(0, 10), DAY.format(day)]), entries);
  }
  const months = [];
  for (let year = Number(first.slice(0, 4)), month = Number(first.slice(5, 7)); ; month++) {
    if (month > 12) [year, month] = [year + 1, 1];
    const key = `${year}-${String(month).padStart(2, "0")}`;
    months.push([key, MONTH.format(new Date(`${key}-01`))]);
    if (key >= last.slice(0, 7)) break;
  }
  if (months.length <= 48) return fill(months, entries);
  const years = [...new Set(months.map(([key]) => key.slice(0, 4)))];
  return fill(years.map((year) => [year, year]), entries);
}

function fill(named, entries) {
  const periods = new Map(named.map(([key, label]) => [key, { label, entries: [] }]));
  const length = named[0][0].length;
  for (const entry of entries) periods.get(entry.date.slice(0, length)).entries.push(entry);
  return [...periods.values()];
}

/** One period in words. */
function sayPeriod({ label, entries }) {
  const ratings = entries.map((entry) => entry.rating).filter((rating) => typeof rating === "number");
  const average = ratings.length ? `, ${ROUGH.format(mean(ratings))} on average` : "";
  return `${label}: ${countInteractions(entries.length)}${average}`;
}

/** The chart. Arrow keys, Home and End move its cursor, as the pointer does; Escape takes it away. */
function timeline(periods) {
  const most = Math.max(...periods.map((period) => period.entries.length));
  const chart = columns(periods.map((period) => ({ share: period.entries.length / most })), 96);
  const step = 100 / periods.length;
  const cursor = svg("rect", { class: "cursor", width: `${step}%`, height: "96", rx: "4", visibility: "hidden" });
  chart.prepend(cursor);
  const peak = periods.findIndex((period) => period.entries.length === most);
  const resting = `Most: ${sayPeriod(periods[peak])}`;
  const readout = h("p", { class: "readout" }, resting);
  let at = null;

  const point = (place) => {
    at = place === null ? null : Math.min(Math.max(place, 0), periods.length - 1);
    cursor.setAttribute("visibility", at === null ? "hidden" : "visible");
    if (at !== null) cursor.setAttribute("x", `${at * step}%`);
    readout.textContent = at === null ? resting : sayPeriod(periods[at]);
    slider.setAttribute("aria-valuenow", String((at ?? peak) + 1));
    slider.setAttribute("aria-valuetext", sayPeriod(periods[at ?? peak]));
  };
  const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
  const slider = h(
    "div",
    {
      id: "timeline",
      class: "timeline",
      role: "slider",
      tabindex: "0",
      "aria-label": `${capitalized(NOUNS.interactions)} over time`,
      "aria-valuemin": "1",
      "aria-valuemax": String(periods.length),
      keydown: (event) => {
        if (event.key in steps) point(at === null ? peak : at + steps[event.key]);
        else if (event.key === "Home") point(0);
        else if (event.key === "End") point(periods.length - 1);
        else if (event.key === "Escape") point(null);
        else return;
        event.preventDefault();
      },
      blur: () => point(null),
      pointermove: (event) => {
        const { left, width } = chart.getBoundingClientRect();
        point(Math.floor(((event.clientX - left) / width) * periods.length));
      },
      pointerleave: () => point(null),
    },
    chart,
  );
  point(null);
  const [first, last] = [periods[0], periods.at(-1)];
  return [readout, slider, h("p", { class: "axis" }, h("span", null, first.label), h("span", null, last.label))];
}
