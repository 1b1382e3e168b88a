// The list of webhooks: where events go, and whether they arrive.

import { api, sentence } from "../api.js";
import { empty, fill, h, icon, note } from "../dom.js";
import { count, moment } from "../time.js";
import { hue } from "../words.js";
import { editWebhook } from "./webhook-form.js";

/** Statistics are asked for one by one, this many at a time. */
const AT_ONCE = 4;
const EVENTS_SHOWN = 3;

/** The patterns a webhook listens to, the first few of them. */
export function patterns(events, max = EVENTS_SHOWN) {
  const shown = (events ?? []).slice(0, max);
  const more = (events ?? []).length - shown.length;
  return h("span", { class: "kinds" }, shown.map((name) => h("span", { class: `kind hue-${hue(name)}` }, name === "*" ? "all events" : name)),
    more > 0 && h("span", { class: "small quiet", title: events.slice(max).join(", ") }, `+${more}`));
}

/** Whether it is switched on. */
export const stateBadge = (hook) => h("span", { class: `badge tone-${hook.is_active ? "good" : "quiet"}` }, hook.is_active ? "Active" : "Paused");

/** How many of those that ended were delivered, as a share of 1; null before the first. */
export function share({ delivered = 0, failed = 0 }) {
  return delivered + failed > 0 ? delivered / (delivered + failed) : null;
}

/** 0.987 → `98.7 %`; rounded down, so that 100 % means all. */
export function percent(rate) {
  if (rate === null) return "–";
  return `${(Math.floor(rate * 1000) / 10).toLocaleString(undefined, { maximumFractionDigits: 1 })} %`;
}

/** That it failed again and again, where it did; null while it is well. */
export function streak({ failure_streak: failures = 0 }) {
  return failures > 0 ? h("span", { class: `badge tone-${failures > 2 ? "bad" : "warn"}` }, failures === 1 ? "last try failed" : `${count(failures)} failures in a row`) : null;
}

const REASONS = { gone: "it answered 410 Gone", failing: "it failed for five days", person: "" };

/** Why nothing goes out now although it is switched on, or why it is switched off; null while it is well. */
export function condition(hook) {
  if (!hook.is_active) return REASONS[hook.disabled_reason] ? h("span", { class: "badge tone-bad" }, `switched off: ${REASONS[hook.disabled_reason]}`) : null;
  if (hook.breaker === "open") return h("span", { class: "badge tone-bad" }, "rests until ", moment(hook.breaker_until));
  if (hook.breaker === "half_open") return h("span", { class: "badge tone-warn" }, "one try decides");
  if (hook.cooling_until) return h("span", { class: "badge tone-warn" }, "cools until ", moment(hook.cooling_until));
  return null;
}

function health(stats, hook) {
  const rate = share(stats);
  if (rate === null) return streak(hook) ?? h("span", { class: "quiet small nowrap" }, stats.total ? "on its way" : "nothing sent yet");
  const tone = rate >= 0.99 ? "good" : rate >= 0.9 ? "warn" : "bad";
  return h("span", { class: `badge tone-${tone}`, title: `${stats.delivered} delivered, ${stats.failed} failed` }, percent(rate));
}

function row(hook, go) {
  const path = `/admin/webhooks/${hook.id}`;
  const rate = h("td", { "data-name": "Success" });
  const last = h("td", { "data-name": "Last delivery" });
  const next = hook.next_attempt_at && Date.parse(hook.next_attempt_at) > Date.now();
  const line = h("tr", { class: "opens" },
    h("td", {}, h("a", { class: "hook-name", href: path }, hook.name), h("span", { class: "url", title: hook.url }, hook.url)),
    h("td", { class: "wide" }, patterns(hook.events)), h("td", {}, stateBadge(hook), " ", condition(hook)), rate, last);
  line.addEventListener("click", (event) => {
    if (!event.target.closest("a") && !getSelection()?.toString()) go(path);
  });
  const show = (stats) => {
    fill(rate, health(stats, hook));
    fill(last, stats.last_delivery_at ? moment(stats.last_delivery_at) : "", next && h("small", { class: "quiet" }, " next ", moment(hook.next_attempt_at)));
  };
  return { line, id: hook.id, show };
}

async function loadStats(rows, signal) {
  const queue = [...rows];
  const worker = async () => {
    for (let next = queue.shift(); next && !signal.aborted; next = queue.shift()) {
      const { show, id } = next;
      await api.get(`/webhooks/${id}/stats`, { signal }).then(({ data }) => show(data ?? {}), () => {});
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function mount(root, { go, signal }) {
  const add = () => editWebhook({ done: (hook) => go(`/admin/webhooks/${hook.id}`) });
  const addButton = () => h("button", { type: "button", class: "button button-main", onclick: add }, icon("plus", 16), "New webhook");
  const card = h("div", { class: "card" }, empty("One moment", "Reading the list…"));
  root.append(h("header", { class: "page-head" },
    h("div", {}, h("h1", {}, "Webhooks"), h("p", {}, "Addresses of yours that hear of events: signed, retried, and nothing is dropped in silence.")), addButton()), card);
  api.get("/webhooks?per_page=200", { signal }).then(({ data }) => {
    const hooks = data ?? [];
    if (!hooks.length) {
      return fill(card, empty("No webhooks yet", "Tell Deskbell an address, choose what it should hear, and send it a test.", addButton()));
    }
    const rows = hooks.map((hook) => row(hook, go));
    fill(card, h("table", { class: "table" }, h("caption", { class: "visually-hidden" }, "Webhooks"),
      h("thead", {}, h("tr", {}, ["Webhook", "Events", "State", "Success", "Last delivery"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, rows.map(({ line }) => line))));
    return loadStats(rows, signal);
  }).catch((error) => !signal.aborted && fill(card, h("div", { class: "card-pad" }, note("bad", sentence(error)))));
}

export default { title: "Webhooks", mount };
