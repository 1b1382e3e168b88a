// What happened to a ticket, newest first: read once, then told by the events themselves.

import { api, query, sentence } from "../api.js";
import { fill, h, icon, note } from "../dom.js";
import { feed, listen, standing, toEvent } from "../feed.js";
import { learn, nameOf, people } from "../people.js";
import { directory } from "../directory.js";
import { moment } from "../time.js";
import { sentenceText } from "../words.js";
import { said } from "./words.js";

const PAGE = 200;
const PAGES_MAX = 5;
/** Lines on the page; older ones are dropped from it. */
const LINES_MAX = 500;

/** A status or an agent is said by an event of its own as well; one line is enough. */
const SAID_BY_UPDATE = new Set(["ticket.status.changed", "ticket.assigned", "ticket.unassigned"]);
/** Fields whose changes say nothing that other lines do not say. */
const DULL = new Set(["updated_at", "version", "comment_count", "last_comment_at", "waiting_since", "first_responded_at", "resolved_at", "closed_at", "reopened_count", "merged_into_id", "deleted_at"]);
const CLOCKS = { first_response: "First answer", resolution: "Solution" };

function value(name, at) {
  if (at === null || at === undefined || at === "" || (Array.isArray(at) && !at.length)) return "nothing";
  if (name === "assignee_id" || name === "requester_id") return nameOf(at);
  if (name === "team_id") return directory.teamName(at);
  if (name === "tags") return at.join(", ");
  if (name === "followers") return at.map(nameOf).join(", ");
  if (name === "due_at") return new Date(at).toLocaleString();
  const text = typeof at === "object" ? JSON.stringify(at) : String(at);
  const short = text.length > 80 ? `${text.slice(0, 79)}…` : text;
  return ["status", "priority"].includes(name) ? said(short).toLowerCase() : `‘${short}’`;
}

function change([name, [from, to]]) {
  const words = name.replace(/_id$/, "").replaceAll("_", " ").replace("assignee", "agent");
  return h("li", {}, `${said(words)}: `, h("bdi", {}, value(name, from)), " → ", h("b", {}, h("bdi", {}, value(name, to))));
}

/** An event's line: what it says; null where another line says it. */
function tell(event) {
  const { type, data } = event;
  const by = event.actor?.name ?? "Somebody";
  if (SAID_BY_UPDATE.has(type)) return null;
  if (type === "ticket.updated") {
    const changes = Object.entries(event.changes ?? {}).filter(([name]) => !DULL.has(name));
    return changes.length ? [h("bdi", {}, by), " changed", h("ul", { class: "changes" }, changes.map(change))] : null;
  }
  if (type === "ticket.created") return [h("bdi", {}, by), " opened the ticket"];
  if (type.startsWith("ticket.")) return [h("bdi", {}, by), ` ${type.slice(7)} the ticket`, type === "ticket.merged" && data?.number ? ` #${data.number}` : ""];
  if (type.startsWith("comment.")) {
    const deed = { created: "wrote", updated: "edited", deleted: "deleted" }[type.slice(8)] ?? "changed";
    return [h("bdi", {}, by), ` ${deed} ${data?.visibility === "internal" ? "an internal note" : "a comment"}`];
  }
  if (type.startsWith("sla.")) return [`${CLOCKS[data?.target] ?? "A clock"} ${{ met: "in time", breached: "missed its time", warning: "is due soon" }[type.slice(4)] ?? ""}`];
  return [h("bdi", {}, sentenceText(event))];
}

/** The card; dispatches `changed`. `clocks` says what the ticket's clocks told: `{resolution: "met"}`. */
export class History extends EventTarget {
  clocks = {};
  #events = new Map();
  #comments = new Set();

  constructor(one, signal) {
    super();
    this.one = one;
    this.signal = signal;
    this.list = h("ol", { class: "history", tabindex: "0", "aria-label": "History, newest first" });
    this.trouble = h("div");
    this.node = h("details", { class: "card history-card" }, h("summary", {}, icon("again", 16), "History"), this.trouble, this.list);
    this.node.addEventListener("toggle", () => this.#draw());
    listen((event) => this.#concerns(event) && this.#take([event]), signal);
    feed.addEventListener("resync", () => this.load(), { signal });
    people.addEventListener("learned", () => this.#soon(), { signal });
    directory.addEventListener("changed", () => this.#soon(), { signal });
    this.load();
  }

  /** Reads it from the beginning. */
  async load() {
    try {
      await standing(this.signal);
      let after = 0;
      for (let page = 0; page < PAGES_MAX; page += 1) {
        const { data, meta } = await api.get(`/tickets/${this.one.ticket.id}/timeline${query({ after, limit: PAGE })}`, { signal: this.signal });
        this.#take((data ?? []).map(toEvent));
        if (!meta.more) break;
        after = meta.next_after;
      }
      fill(this.trouble);
    } catch (error) {
      if (!this.signal.aborted && error.status !== 404) fill(this.trouble, note("bad", sentence(error)));
    }
  }

  #concerns({ type, data }) {
    const { id } = this.one.ticket;
    if (type.startsWith("ticket.")) return data.id === id || (type === "ticket.merged" && data.merged_into_id === id);
    if (type.startsWith("comment.") || type.startsWith("sla.")) return data.ticket_id === id;
    if (type.startsWith("attachment.")) return data.parent_id === id || this.#comments.has(data.parent_id);
    return false;
  }

  #take(events) {
    for (const event of events) {
      this.#events.set(event.seq, event);
      learn(event.actor?.id, event.actor?.name);
      if (event.type === "comment.created" && event.data) this.#comments.add(event.data.id);
      if (event.type.startsWith("sla.") && event.data) this.clocks[event.data.target] = event.type.slice(4);
    }
    for (const old of [...this.#events.keys()].slice(0, -LINES_MAX)) this.#events.delete(old);
    this.#soon();
    this.dispatchEvent(new Event("changed"));
  }

  #soon() {
    this.redraw ??= requestAnimationFrame(() => {
      this.redraw = null;
      this.#draw();
    });
  }

  #draw() {
    if (!this.node.open) return;
    const events = [...this.#events.values()].sort((a, b) => b.seq - a.seq);
    fill(this.list, events.map((event) => [event, tell(event)]).filter(([, words]) => words)
      .map(([event, words]) => h("li", {}, h("span", { class: "quiet small" }, moment(event.at), " · ", h("a", { href: `/admin/events/${event.seq}` }, `event ${event.seq}`)), h("div", {}, words))));
  }
}
