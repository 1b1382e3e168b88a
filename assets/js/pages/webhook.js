// One webhook: is it well, what was sent to it, what did it answer; test, change, pause, delete.

import { api, sentence } from "../api.js";
import { hoursChart, slowestOf } from "../chart.js";
import { ask } from "../dialog.js";
import { fill, h, icon, note, toast } from "../dom.js";
import { count, every, moment } from "../time.js";
import { replay, rotateSecret, showCode } from "./webhook-care.js";
import { logTable } from "./webhook-log.js";
import { editWebhook } from "./webhook-form.js";
import { condition, patterns, percent, share, stateBadge, streak } from "./webhooks.js";

const REFRESH_MS = 5_000;

function tile(name, value, { tone = "", small = "" } = {}) {
  return h("div", { class: "tile" }, h("dt", {}, name), h("dd", {}, h("span", { class: tone && `tone-${tone}` }, value), small && h("small", {}, ` ${small}`)));
}
const ms = (value) => (Number.isFinite(value) ? `${Math.round(value).toLocaleString()} ms` : "–");

function tiles(stats) {
  const rate = share(stats);
  const waiting = stats.queue_depth ?? stats.waiting ?? 0;
  return [
    tile("Success", percent(rate), { tone: rate !== null && rate < 0.9 ? "bad" : "" }),
    tile("Delivered", count(stats.delivered), { small: `of ${count(stats.total)}` }),
    tile("Failed", count(stats.failed), { tone: stats.failed ? "bad" : "" }),
    tile("Waiting", count(waiting), { tone: waiting > 100 ? "warn" : "" }),
    (stats.held || stats.expired || stats.cancelled) ? tile("Set aside", count((stats.held ?? 0) + (stats.expired ?? 0) + (stats.cancelled ?? 0)),
      { small: [["held", stats.held], ["expired", stats.expired], ["cancelled", stats.cancelled]].filter(([, n]) => n).map(([w]) => w).join(", ") }) : null,
    tile("Median answer", ms(stats.p50_response_time_ms), { small: Number.isFinite(stats.p95_response_time_ms) ? `95 % in ${ms(stats.p95_response_time_ms)}` : "" }),
    h("div", { class: "tile" }, h("dt", {}, "Last delivery"), h("dd", {}, stats.last_delivery_at ? moment(stats.last_delivery_at) : "–", stats.last_status ? h("small", {}, ` ${stats.last_status}`) : "")),
  ];
}

function testResult(result) {
  const facts = [result.http_status && `HTTP ${result.http_status}`, Number.isFinite(result.response_time_ms) && `${Math.round(result.response_time_ms)} ms`, result.delivery_id && `delivery ${result.delivery_id}`].filter(Boolean).join(" · ");
  return result.success
    ? note("good", h("p", {}, h("b", {}, "The test arrived. "), facts))
    : note("bad", h("p", {}, h("b", {}, "The test did not arrive. "), result.error ?? ""), facts && h("p", { class: "small" }, facts));
}

class WebhookView {
  hook = null;

  constructor(root, { params, go, signal }) {
    Object.assign(this, { root, go, signal, path: `/webhooks/${encodeURIComponent(params.id)}` });
    this.title = h("h1", {}, "Webhook");
    this.url = h("p", { class: "mono" });
    this.facts = h("div", { class: "row" });
    this.actions = h("div", { class: "row" });
    this.says = h("div");
    this.tiles = h("dl", { class: "tiles card", "aria-label": "Statistics" });
    this.chart = h("section", { class: "card card-pad stack", "aria-labelledby": "chart-title" });
    this.tiles.hidden = true;
    this.chart.hidden = true;
    this.log = logTable(this.path, signal);
    root.append(
      h("a", { class: "crumb row", href: "/admin/webhooks" }, icon("back", 15), "All webhooks"),
      h("header", { class: "page-head" }, h("div", {}, this.title, this.url, this.facts), this.actions),
      this.says, this.tiles, this.chart, this.log.node);
    this.#load();
  }

  async #load() {
    try {
      await this.#look();
    } catch (error) {
      if (this.signal.aborted) return;
      fill(this.says, note("bad", error.status === 404 ? "There is no such webhook. It may have been deleted." : sentence(error)));
      this.log.node.hidden = true;
      return;
    }
    // The log says what is wrong, should the others fail.
    every(REFRESH_MS, () => Promise.all([this.#look().catch(() => {}), this.#stats(), this.log.refresh()]), this.signal);
  }

  async #look() {
    const { data } = await api.get(this.path, { signal: this.signal });
    this.#show(data);
  }

  #show(hook) {
    this.hook = hook;
    document.title = `${hook.name} · Deskbell`;
    fill(this.title, hook.name);
    fill(this.url, hook.url);
    fill(this.facts, stateBadge(hook), streak(hook), condition(hook), patterns(hook.events, 8),
      h("span", { class: "small quiet" }, `${count(hook.retry_count)} retries · ${count(hook.timeout)} s time-out`));
    // The buttons stay what they are, so that the focus stays where it is.
    if (!this.actions.firstChild) fill(this.actions, this.#buttons());
    fill(this.pause, icon(hook.is_active ? "pause" : "play", 16), hook.is_active ? "Pause" : "Resume");
  }

  #buttons() {
    this.pause = this.#button("pause", "Pause", (button) => this.#toggle(button));
    return [
      this.#button("send", "Send test", (button) => this.#test(button), "button-main"),
      this.#button("pen", "Edit", () => editWebhook({ hook: this.hook, done: (changed) => this.#show({ ...this.hook, ...changed }) })),
      this.pause,
      this.#button("again", "Send again", () => replay(this.hook, { signal: this.signal, changed: () => Promise.all([this.#stats(), this.log.refresh()]) })),
      this.#button("key", "Rotate secret", () => rotateSecret(this.hook)),
      this.#button("code", "Code", () => showCode(this.hook)),
      this.#button("bin", "Delete", () => this.#delete(), "button-bad"),
    ];
  }

  #button(sign, words, work, className = "") {
    const button = h("button", { type: "button", class: `button ${className}` }, icon(sign, 16), words);
    button.addEventListener("click", () => work(button));
    return button;
  }

  /** Runs `work` once at a time and tells what went wrong. */
  async #busy(button, work) {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    try {
      await work();
    } catch (error) {
      fill(this.says, note("bad", sentence(error)));
    } finally {
      button.removeAttribute("aria-disabled");
    }
  }

  async #stats() {
    try {
      const { data } = await api.get(`${this.path}/stats`, { signal: this.signal });
      this.held = data?.held ?? 0;
      fill(this.tiles, tiles(data ?? {}));
      this.tiles.hidden = false;
      // Redrawn only when it changed, so that a tooltip is not torn away.
      const drawn = JSON.stringify(data?.hours ?? []);
      if (drawn !== this.drawn) {
        this.drawn = drawn;
        fill(this.chart, h("div", { class: "row" }, h("h2", { id: "chart-title" }, "Last 24 hours"),
          h("div", { class: "legend push" }, h("span", { class: "tone-good" }, "delivered"), h("span", { class: "tone-bad" }, "failed"), slowestOf(data?.hours) > 0 && h("span", { class: "dashed" }, `answer time, up to ${ms(slowestOf(data.hours))}`))), hoursChart(data?.hours));
        this.chart.hidden = false;
      }
    } catch {
      // The log below says what is wrong; the numbers stay as they were.
    }
  }

  #test(button) {
    return this.#busy(button, async () => {
      fill(this.says, note("info", "Sending a test; this takes as long as the receiver takes to answer…"));
      const { data } = await api.post(`${this.path}/test`);
      fill(this.says, testResult(data ?? {}));
      await Promise.all([this.#look(), this.#stats(), this.log.refresh()]);
    });
  }

  #toggle(button) {
    return this.#busy(button, async () => {
      const { data } = await api.patch(this.path, { is_active: !this.hook.is_active });
      this.#show({ ...this.hook, ...data });
      toast(data.is_active ? "New deliveries go out again" : "Paused: deliveries are set aside");
      await this.#stats();
      if (data.is_active && this.held > 0) this.#offer(this.held);
    });
  }

  /** What was set aside while it was paused does not go out by itself. */
  #offer(held) {
    const button = this.#button("again", "Send them now", () => replay(this.hook, { signal: this.signal, changed: () => Promise.all([this.#stats(), this.log.refresh()]) }), "button-s");
    fill(this.says, note("info", h("p", {}, `${count(held)} deliveries were set aside meanwhile.`), button));
  }

  async #delete() {
    const yes = await ask({ title: `Delete ${this.hook.name}?`, words: "Nothing more will be sent there. Deliveries that still wait are cancelled.", yes: "Delete webhook" });
    if (!yes) return;
    try {
      await api.delete(this.path);
      toast("Deleted");
      this.go("/admin/webhooks");
    } catch (error) {
      fill(this.says, note("bad", sentence(error)));
    }
  }
}

export default {
  title: "Webhook",
  mount: (root, ctx) => void new WebhookView(root, ctx),
};
