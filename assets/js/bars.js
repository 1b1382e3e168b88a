// A bar chart of any rows: one bar a row, parts of it on top of each other. The table beside it says
// the same to who cannot see it.

import { h, s } from "./dom.js";

const WIDTH = 720;
const HEIGHT = 160;
/** More bars than this are too thin to be seen. */
const BARS_MAX = 366;
/** Fewer bars are no wider than if there were so many. */
const BARS_MIN = 10;

/** `rows` are `{label, parts: [number]}`; `names` are those of the parts, `words(n)` says a number. */
export function barChart(rows, names, words = String) {
  const shown = rows.slice(-BARS_MAX);
  const sum = ({ parts }) => parts.reduce((all, part) => all + part, 0);
  const most = Math.max(1, ...shown.map(sum));
  const step = WIDTH / Math.max(BARS_MIN, shown.length);
  const bars = shown.map((row, i) => {
    let top = HEIGHT;
    const rects = row.parts.map((part, n) => {
      const height = (part / most) * (HEIGHT - 6);
      top -= height;
      return s("rect", { class: `part-${n}`, x: i * step + step * 0.12, y: top, width: step * 0.76, height });
    });
    const said = names.map((name, n) => `${words(row.parts[n])} ${name}`).join(", ");
    return s("g", {}, s("title", {}, `${row.label}: ${said}`), rects);
  });
  const label = `A bar for each of ${shown.length} rows of the table below: ${names.join(", ")}; the highest is ${words(most)}`;
  return h("figure", { class: "bars" },
    s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label }, bars),
    h("figcaption", { class: "row small" },
      names.map((name, n) => h("span", { class: `bars-key part-${n}` }, name)),
      shown.length > 0 && h("span", { class: "quiet push" }, `${shown[0].label} to ${shown.at(-1).label}`)));
}
