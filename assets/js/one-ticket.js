// One ticket, read once and then kept true by its events; changes are made from the version shown.

import { api, ApiError } from "./api.js";
import { feed, listen, standing } from "./feed.js";
import { may } from "./pages/index.js";

/** Events come in bunches; what only an answer tells is asked for once a bunch. */
const ASK_AGAIN_MS = 150;

/** Fields that, when they change, may move a clock of the ticket; when it is due no event tells. */
const MOVES_CLOCKS = ["status", "priority", "team_id", "tags", "first_responded_at", "merged_into_id"];

/** Somebody else changed the same fields; `theirs` is the ticket as it is now. */
export class Conflict extends Error {
  constructor(theirs, fields) {
    super("somebody else changed it");
    this.theirs = theirs;
    /** The names of the fields that both wanted to change. */
    this.fields = fields;
  }
}

const same = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/**
 * Dispatches `changed` (detail: the event that did it, or null), after `ticket` was brought up to
 * date, and `trouble` (detail: the error) when that failed.
 */
export class OneTicket extends EventTarget {
  /** As `GET /tickets/{id}` gives it. */
  ticket = null;
  /** What the clocks said while this page was open: `{first_response: "breached"}`. */
  said = {};
  #early = [];
  #timer = null;

  /** Keeps itself up to date until `signal` aborts. */
  constructor(user, signal) {
    super();
    this.user = user;
    this.signal = signal;
    listen((event) => this.#hear(event), signal);
    feed.addEventListener("resync", () => this.reload(), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** Reads the ticket that has this id or number; throws what the server says. */
  async open(which) {
    await standing(this.signal);
    const { data } = await api.get(`/tickets/${encodeURIComponent(which)}`, { signal: this.signal });
    this.ticket = data;
    for (const event of this.#early.splice(0)) this.#hear(event);
    return this.ticket;
  }

  /** Whether it takes comments and changes of status. */
  get isClosed() {
    return this.ticket.status === "closed";
  }

  /** Whether it was deleted. */
  get isGone() {
    return Boolean(this.ticket.deleted_at);
  }

  /** Puts in a newer state, for example an answer. */
  put(ticket, event = null) {
    if (ticket.version < this.ticket.version) return;
    this.ticket = { ...this.ticket, ...ticket };
    this.dispatchEvent(new CustomEvent("changed", { detail: event }));
  }

  /** Reads it again: the ticket alone, no list. */
  async reload() {
    if (!this.ticket) return;
    try {
      const { data } = await api.get(`/tickets/${this.ticket.id}`, { signal: this.signal });
      this.put(data);
    } catch (error) {
      // A deleted one is not found; its event says so.
      if (!this.signal.aborted && error.status !== 404) this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
    }
  }

  /**
   * Changes fields, based on what is shown. When somebody was quicker but with other fields, tries
   * again on top of theirs; else throws a {@link Conflict}.
   */
  async change(fields, { anyway = false } = {}) {
    const base = this.ticket;
    const send = (version) => api.patch(`/tickets/${base.id}`, { ...fields, version }, { signal: this.signal });
    try {
      this.put((await send(anyway ? undefined : base.version)).data);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "version_conflict") throw error;
      const { data: theirs } = await api.get(`/tickets/${base.id}`, { signal: this.signal });
      this.put(theirs);
      const both = Object.keys(fields).filter((name) => !same(theirs[name], base[name]) && !same(theirs[name], fields[name]));
      if (both.length) throw new Conflict(theirs, both);
      this.put((await send(theirs.version)).data);
    }
  }

  /** `POST /tickets/{id}/{deed}`; the answer is the ticket. */
  async act(deed, body = {}) {
    const { data } = await api.post(`/tickets/${this.ticket.id}/${deed}`, body, { signal: this.signal });
    this.put(data);
    return data;
  }

  #hear(event) {
    if (!this.ticket) return this.#early.push(event);
    const { type, data, changes } = event;
    if (type.startsWith("ticket.") && data?.id === this.ticket.id) {
      this.put(data, event);
      if (Object.keys(changes ?? {}).some((name) => MOVES_CLOCKS.includes(name)) || type === "ticket.restored") this.#askAgain();
    } else if (type.startsWith("sla.") && data?.ticket_id === this.ticket.id) {
      this.said[data.target] = type.slice(4);
      this.put({ version: this.ticket.version }, event);
      this.#askAgain();
    }
    return undefined;
  }

  #askAgain() {
    if (!may(this.user, "agent")) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.reload(), ASK_AGAIN_MS);
  }
}
