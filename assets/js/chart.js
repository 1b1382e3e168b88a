// A small bar chart of hours: delivered below, failed on top of it, the answer time as a line.

import { h, s } from "./dom.js";
import { hourOf, toMs } from "./time.js";

const HOUR_MS = 3_600_000;
const HOURS = 24;
const WIDTH = 720;
const HEIGHT = 120;

/** The last 24 hours, oldest first; hours that the server left out had nothing. */
function fillHours(hours) {
  const known = new Map((hours ?? []).map((entry) => [Math.floor(toMs(entry.hour) / HOUR_MS), entry]));
  const last = Math.max(Math.floor(Date.now() / HOUR_MS), ...known.keys());
  return Array.from({ length: HOURS }, (_, i) => {
    const at = last - HOURS + 1 + i;
    const entry = known.get(at) ?? {};
    return { at: at * HOUR_MS, delivered: entry.delivered ?? 0, failed: entry.failed ?? 0, ms: entry.avg_response_time_ms ?? null };
  });
}

/** The longest average answer of an hour, milliseconds; 0 when nothing was answered. */
export const slowestOf = (hours) => Math.max(0, ...(hours ?? []).map((hour) => hour.avg_response_time_ms ?? 0));

/** How long answers took, a line for each run of hours that had some. */
function answerLines(all, slowest, step) {
  const runs = [];
  all.forEach(({ ms }, i) => {
    if (ms === null) return;
    const y = HEIGHT - 4 - (ms / Math.max(1, slowest)) * (HEIGHT - 12);
    if (i > 0 && all[i - 1].ms !== null) runs.at(-1).push([i + 0.5, y]);
    else runs.push([[i + 0.5, y]]);
  });
  // An hour by itself has no line to be on, so it gets a short one.
  const wide = (run) => (run.length > 1 ? run : [[run[0][0] - 0.45, run[0][1]], [run[0][0] + 0.45, run[0][1]]]);
  return runs.map((run) => s("polyline", { class: "time", points: wide(run).map(([x, y]) => `${x * step},${y}`).join(" "), "vector-effect": "non-scaling-stroke" }));
}

/** The chart of `hours`, `[{hour, delivered, failed}]`, with its words for those who cannot see it. */
export function hoursChart(hours) {
  const all = fillHours(hours);
  const most = Math.max(1, ...all.map((hour) => hour.delivered + hour.failed));
  const step = WIDTH / HOURS;
  const height = (n) => (n === 0 ? 0 : Math.max(2.5, (n / most) * (HEIGHT - 6)));
  const bars = all.map(({ at, delivered, failed, ms }, i) => {
    const x = i * step + step * 0.18;
    const width = step * 0.64;
    const ok = height(delivered);
    const no = height(failed);
    return s("g", {},
      s("title", {}, `${hourOf(at)}–${hourOf(at + HOUR_MS)}: ${delivered} delivered, ${failed} failed${ms === null ? "" : `, answered in ${ms} ms`}`),
      s("rect", { class: "slot", x: i * step, y: 0, width: step, height: HEIGHT }),
      s("rect", { class: "ok", x, y: HEIGHT - ok, width, height: ok, rx: Math.min(2, ok) }),
      s("rect", { class: "no", x, y: HEIGHT - ok - no - (ok && no ? 1.5 : 0), width, height: no, rx: Math.min(2, no) }));
  });
  const slowest = slowestOf(hours);
  const sum = (name) => all.reduce((total, hour) => total + hour[name], 0);
  const label = `Deliveries of the last 24 hours: ${sum("delivered")} delivered, ${sum("failed")} failed${slowest ? `, answers took up to ${slowest} ms on average` : ""}`;
  return h("figure", { class: "chart" },
    s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label }, bars, answerLines(all, slowest, step),
      s("line", { class: "base", x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT, "vector-effect": "non-scaling-stroke" })),
    h("div", { class: "chart-axis", "aria-hidden": "true" }, [0, 6, 12, 18].map((i) => h("span", {}, hourOf(all[i].at))), h("span", {}, "now")));
}
