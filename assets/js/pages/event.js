// One event: what it said and changed, who may hear it, and for administrators where it went.

import { api, sentence } from "../api.js";
import { copyButton, fill, h, icon, note } from "../dom.js";
import { toEvent } from "../feed.js";
import { learn, nameOf, people } from "../people.js";
import { count, every, moment, toMs } from "../time.js";
import { capital, hue, sentenceOf } from "../words.js";
import { may } from "../roles.js";

/** What is under way is looked at this often, until it has ended. */
const REFRESH_MS = 2_000;
/** An event that nobody knows to have been handed out is not waited for longer than this. */
const CARRIED_WITHIN_MS = 10_000;
const TONES = { delivered: "good", waiting: "warn", failed: "bad", held: "info" };
const PROTOCOLS = [["websocket", "WebSocket"], ["socket.io", "Socket.IO"], ["sse", "event stream"]];
const OPEN = new Set(["waiting", "held"]);
const AUDIENCES = {
  staff: "Staff: agents, supervisors and administrators",
  participants: "Staff, and the customers named on it",
  everyone: "Everybody who is signed in",
};
const ROOMS = { tenant: "the room of all staff", everyone: "the room of everybody", nowhere: "no room: it is for its webhook alone" };

const json = (value) => (value === undefined ? "–" : JSON.stringify(value));
const duration = (ms) => `${Math.round(ms).toLocaleString()} ms`;

function audienceWords(audience) {
  const user = /^user:(.+)$/.exec(audience)?.[1];
  return user ? [h("bdi", {}, nameOf(user)), " alone"] : AUDIENCES[audience] ?? audience;
}

function sessionsStep(sessions, webhookOnly) {
  if (!sessions) return step("quiet", "Handed to connections: not known any more", "It is remembered for the newest 10,000 events since the server started.");
  const by = PROTOCOLS.filter(([name]) => sessions[name]).map(([name, words]) => `${count(sessions[name])} by ${words}`).join(", ");
  if (sessions.total) return step("good", `Handed to ${count(sessions.total)} ${sessions.total === 1 ? "connection" : "connections"}`, `${by}. Who was away then and read it later is not counted.`);
  return step("quiet", "Handed to no connection", webhookOnly ? "It was for its webhook alone." : "Nobody who may hear it was connected. Who comes back reads it from the log.");
}

function step(tone, words, ...more) {
  return h("li", { class: `tone-${tone}` }, h("div", { class: "step-words" }, words), more.filter(Boolean).map((m) => (m instanceof Node ? m : h("p", { class: "small quiet" }, m))));
}

function attemptLine(attempt) {
  const tone = attempt.state === "delivered" ? "good" : "bad";
  const answer = attempt.http_status ? `HTTP ${attempt.http_status}` : "no answer";
  return h("li", {}, h("span", { class: `badge tone-${tone}` }, `Attempt ${attempt.attempt}`), " ", moment(attempt.created_at), ` · ${answer} in ${duration(attempt.response_time_ms)}`,
    attempt.error && h("div", { class: "quiet" }, attempt.error));
}

function deliveryStep(delivery) {
  const name = h("bdi", {}, delivery.webhook_name);
  const whereto = delivery.webhook_deleted ? [name, " (deleted since)"] : h("a", { href: `/admin/webhooks/${delivery.webhook_id}` }, name);
  const state = h("span", { class: `badge tone-${TONES[delivery.state] ?? "quiet"}` }, delivery.state);
  const hidden = delivery.attempt - delivery.attempts.length;
  return step(TONES[delivery.state] ?? "quiet", ["To webhook ", whereto, " ", state, delivery.ended_at && [" ", moment(delivery.ended_at)]],
    delivery.next_attempt_at && h("p", { class: "small quiet" }, "Next try ", moment(delivery.next_attempt_at)),
    delivery.attempts.length > 0 && h("ol", { class: "tries small" }, [...delivery.attempts].reverse().map(attemptLine)),
    hidden > 0 && `${count(hidden)} earlier ${hidden === 1 ? "attempt is" : "attempts are"} not shown here.`,
    !delivery.attempts.length && delivery.state === "waiting" && "Not tried yet.");
}

class EventView {
  constructor(root, { params, user, signal }) {
    Object.assign(this, { user, signal, path: `/events/${encodeURIComponent(params.seq)}`, sees: may(user, "admin") });
    this.title = h("h1", {}, `Event ${params.seq}`);
    this.sub = h("div", { class: "row" });
    this.says = h("div");
    this.journey = h("section", { class: "card card-pad stack", "aria-labelledby": "journey-title" });
    this.facts = h("section", { class: "card card-pad stack", "aria-labelledby": "audience-title" });
    this.changes = h("section", { class: "card card-pad stack", "aria-labelledby": "changes-title" });
    this.whole = h("section", { class: "card card-pad stack", "aria-labelledby": "json-title" });
    for (const part of [this.journey, this.facts, this.changes, this.whole]) part.hidden = true;
    root.append(h("a", { class: "crumb row", href: "/admin" }, icon("back", 15), "Live"),
      h("header", { class: "page-head" }, h("div", {}, this.title, this.sub)), this.says,
      h("div", { class: "event-page" }, h("div", { class: "stack" }, this.changes, this.journey), h("div", { class: "stack" }, this.facts, this.whole)));
    people.addEventListener("learned", () => this.event && this.#head(), { signal });
    this.#load();
  }

  async #load() {
    try {
      const told = this.sees ? (await api.get(`${this.path}/journey`, { signal: this.signal })).data : null;
      if (told) this.#followed(told);
      if (!told || this.#mayRead(told)) await this.#read();
      else fill(this.says, note("info", told.data_kept ? "What it says is for one person alone, so it is not shown here." : "What it said is no longer kept; what became of it is."));
      if (told) every(REFRESH_MS, () => this.#look(), this.signal);
    } catch (error) {
      if (this.signal.aborted) return;
      fill(this.says, note("bad", error.status === 404 ? "There is no such event, or nothing is kept of it any more." : sentence(error)));
    }
  }

  #mayRead({ audience, data_kept: kept }) {
    return kept && (!audience.startsWith("user:") || audience === `user:${this.user.id}`);
  }

  async #read() {
    const { data } = await api.get(this.path, { signal: this.signal });
    this.raw = data;
    this.event = toEvent(data);
    learn(this.event.actor?.id, this.event.actor?.name);
    this.#head();
    this.#drawChanges(Object.entries(this.event.changes ?? {}));
    const text = JSON.stringify(data, null, 2);
    fill(this.whole, h("h2", { id: "json-title" }, "The event"), h("div", { class: "code" }, h("pre", { tabindex: "0", "aria-label": "The event as JSON" }, text), copyButton(() => text, "Copy JSON")));
    this.whole.hidden = false;
    this.#drawFacts(data);
  }

  #head() {
    fill(this.title, capitalised(sentenceOf(this.event)));
    fill(this.sub, h("span", { class: `kind hue-${hue(this.event.type)}` }, this.event.type), h("span", { class: "small quiet" }, moment(this.event.at)));
  }

  #drawChanges(changes) {
    this.changes.hidden = changes.length === 0;
    fill(this.changes, h("h2", { id: "changes-title" }, "What changed"),
      h("dl", { class: "before-after" }, changes.map(([name, [from, to]]) => h("div", {}, h("dt", {}, h("code", {}, name)),
        h("dd", {}, h("del", {}, h("span", { class: "visually-hidden" }, "before "), json(from)), h("span", { class: "quiet" }, " → "), h("ins", {}, h("span", { class: "visually-hidden" }, "after "), json(to)))))));
  }

  #drawFacts({ seq, id, audience, room, actor }) {
    const who = actor && [h("bdi", {}, actor.name), ` (${actor.kind})`];
    const facts = [["Audience", audienceWords(audience)], ["Rung in", ROOMS[room] ?? h("code", {}, room)], ["Done by", who], ["Number", h("code", {}, seq)], ["Id", h("code", {}, id)]];
    fill(this.facts, h("h2", { id: "audience-title" }, "Who may hear it"),
      h("dl", { class: "facts facts-list" }, facts.filter(([, v]) => v).map(([k, v]) => h("div", {}, h("dt", {}, k), h("dd", {}, v)))));
    this.facts.hidden = false;
  }

  async #look() {
    if (!this.unfinished) return;
    try {
      this.#followed((await api.get(`${this.path}/journey`, { signal: this.signal })).data);
    } catch {
      // What is shown stays; the next look may succeed.
    }
  }

  #followed(told) {
    const young = Date.now() - toMs(told.committed_at) < CARRIED_WITHIN_MS;
    this.unfinished = told.deliveries.some(({ state }) => OPEN.has(state)) || (!told.sessions && young);
    const drawn = JSON.stringify(told);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    fill(this.journey, h("h2", { id: "journey-title" }, "Its journey"), h("ol", { class: "journey" },
      step("good", ["Committed ", moment(told.committed_at)], "On the disk, in the log, owed to whoever asked for it."),
      sessionsStep(told.sessions, told.room === "nowhere"),
      told.deliveries.map(deliveryStep),
      !told.deliveries.length && step("quiet", "Sent to no webhook", "No webhook of this organisation was owed it.")));
    this.journey.hidden = false;
    if (this.event) return;
    fill(this.sub, h("span", { class: `kind hue-${hue(told.type)}` }, told.type), h("span", { class: "small quiet" }, moment(told.committed_at)));
    this.#drawFacts({ ...told, actor: null });
  }
}

/** The sentence as a heading. */
function capitalised(parts) {
  return parts.map(({ text }, i) => (i ? text : capital(text))).map((text) => h("bdi", {}, text));
}

export default {
  title: ({ params }) => `Event ${params.seq}`,
  mount: (root, ctx) => void new EventView(root, ctx),
};
