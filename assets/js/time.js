// Says times and lengths of time in few words.

import { h } from "./dom.js";

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const short = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** Milliseconds since 1970 of RFC 3339 text, of milliseconds, or of seconds; NaN of anything else. */
export function toMs(value) {
  if (typeof value === "number") return value < 1e11 ? value * 1000 : value;
  return typeof value === "string" ? Date.parse(value) : Number.NaN;
}

/** The time of day, with the date where it was not today; the whole of it as a title. */
export function moment(value) {
  const ms = toMs(value);
  if (!Number.isFinite(ms)) return h("span", { class: "quiet" }, "–");
  const date = new Date(ms);
  const today = date.toDateString() === new Date().toDateString();
  return h("time", { datetime: date.toISOString(), title: full.format(date) }, (today ? clock : short).format(date));
}

/** `14:00` of a time. */
export function hourOf(value) {
  const ms = toMs(value);
  return Number.isFinite(ms) ? hour.format(ms) : "";
}

/** A length of time: `42 s`, `7 min`, `3 h 05`, `12 d`. */
export function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, "0")}`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** How long since, kept up to date while it is on the page; `before` and `after` are words around it. */
export function since(value, before = "", after = "") {
  const ms = toMs(value);
  if (!Number.isFinite(ms)) return h("span", { class: "quiet" }, "–");
  const date = new Date(ms);
  return h("time", { datetime: date.toISOString(), title: full.format(date), "data-before": before, "data-after": after },
    before + span(Date.now() - ms) + after);
}

/** A length of time by the second: `0:07`, `12:40`, `1:02:03`. */
export function length(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), String(seconds % 60).padStart(2, "0")];
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

const untilOrSince = (ms, down) => length(down ? ms - Date.now() : Date.now() - ms);

/** How long since, or with `down` until, by the second, kept up to date while it is on the page. */
export function ticking(value, { down = false } = {}) {
  const ms = toMs(value);
  if (!Number.isFinite(ms)) return h("span", { class: "quiet" }, "–");
  return h("time", { class: "ticking", datetime: new Date(ms).toISOString(), "data-ticks": down ? "down" : "up" }, untilOrSince(ms, down));
}

/** `in 20 min` or `20 min late`. */
export function untilWords(ms) {
  const left = ms - Date.now();
  return left >= 0 ? `in ${span(left)}` : `${span(-left)} late`;
}

/** How a due time is judged: late, soon (a quarter of an hour), or later. */
const urgency = (ms) => (ms < Date.now() ? "bad" : ms - Date.now() < 900_000 ? "warn" : "quiet");

/** A badge that counts down to a due time and says when it is missed. */
export function countdown(value, before = "") {
  const ms = toMs(value);
  const date = new Date(ms);
  return h("time", { class: `badge tone-${urgency(ms)}`, datetime: date.toISOString(), title: full.format(date), "data-due": before }, before + untilWords(ms));
}

setInterval(() => {
  for (const node of document.querySelectorAll("time[data-due]")) {
    const ms = Date.parse(node.dateTime);
    const text = node.dataset.due + untilWords(ms);
    if (node.textContent === text) continue;
    node.textContent = text;
    node.className = `badge tone-${urgency(ms)}`;
  }
  for (const node of document.querySelectorAll("time[data-ticks]")) {
    const text = untilOrSince(Date.parse(node.dateTime), node.dataset.ticks === "down");
    if (node.textContent !== text) node.textContent = text;
  }
  for (const node of document.querySelectorAll("time[data-before]")) {
    const text = node.dataset.before + span(Date.now() - Date.parse(node.dateTime)) + node.dataset.after;
    if (node.textContent !== text) node.textContent = text;
  }
}, 1000);

/** A number for people: `1,234`; `–` for none. */
export function count(value) {
  return Number.isFinite(value) ? value.toLocaleString() : "–";
}

/** Calls `work` now and then every `ms` until `signal` aborts; not while the page is hidden. */
export function every(ms, work, signal) {
  const run = () => document.visibilityState === "visible" && !signal.aborted && work();
  work();
  const timer = setInterval(run, ms);
  document.addEventListener("visibilitychange", run, { signal });
  signal.addEventListener("abort", () => clearInterval(timer));
}
