// A page of tickets, read once and then kept true by events alone: changed tickets are patched, move,
// come and go. It is read again only for other filters, another page, or after a lost history.

import { api, lanes, query } from "../api.js";
import { feed, listen, standing } from "../feed.js";
import { before, comparer, matches } from "./filters.js";

/** Tickets on a page. */
export const PER_PAGE = 25;

/** Versions remembered, so that a change that is said by two events is one. */
const VERSIONS_MAX = 5_000;

/** When a clock is due no event tells: the ticket itself is asked for, after this long and once a bunch. */
const ASK_MS = 400;
const MOVES_CLOCKS = ["status", "priority", "team_id", "tags", "first_responded_at"];
const asking = lanes(2);

/** Dispatches `changed` (detail: ids of tickets that changed or came), and `trouble` (the error, or null). */
export class TicketList extends EventTarget {
  rows = [];
  total = 0;
  atLeast = false;
  page = 1;
  filters = {};
  ready = false;
  /** Whether tickets of other pages have moved, so that this page is no longer what that number says. */
  moved = false;
  #early = [];
  #versions = new Map();
  #asked = 0;
  #timers = new Map();
  #fresh = [];
  #telling = false;

  /** Keeps itself up to date until `signal` aborts. */
  constructor(user, signal) {
    super();
    this.user = user;
    this.signal = signal;
    listen((event) => event.type.startsWith("ticket.") && this.#hear(event), signal);
    feed.addEventListener("resync", () => this.load(this.filters, this.page), { signal });
    signal.addEventListener("abort", () => this.#timers.forEach(clearTimeout));
  }

  /** How many pages there are. */
  get pages() {
    return Math.max(1, Math.ceil(this.total / PER_PAGE));
  }

  /** Reads a page. */
  async load(filters, page = 1) {
    this.#asked += 1;
    const mine = this.#asked;
    this.filters = filters;
    this.page = page;
    this.ready = false;
    try {
      await standing(this.signal);
      const { data, meta } = await api.get(`/tickets${query({ ...filters, page, per_page: PER_PAGE })}`, { signal: this.signal });
      if (mine !== this.#asked) return;
      this.rows = data ?? [];
      this.total = meta.total ?? this.rows.length;
      this.atLeast = Boolean(meta.total_at_least);
      this.moved = false;
      for (const { id, version } of this.rows) this.#remember(id, version);
      this.dispatchEvent(new CustomEvent("trouble", { detail: null }));
    } catch (error) {
      if (this.signal.aborted || mine !== this.#asked) return;
      this.rows = [];
      this.total = 0;
      this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
    }
    this.ready = true;
    this.#tell([]);
    for (const event of this.#early.splice(0)) this.#hear(event);
  }

  /** Puts in a newer state that an answer told. */
  put(ticket) {
    const at = this.rows.findIndex(({ id }) => id === ticket.id);
    if (at < 0 || this.rows[at].version > ticket.version) return;
    this.rows[at] = { ...this.rows[at], ...ticket };
    this.#remember(ticket.id, ticket.version);
    this.#tell([]);
  }

  /** Events of one frame are drawn once. */
  #tell(ids) {
    this.#fresh.push(...ids);
    if (this.#telling) return;
    this.#telling = true;
    queueMicrotask(() => {
      this.#telling = false;
      this.dispatchEvent(new CustomEvent("changed", { detail: this.#fresh.splice(0) }));
    });
  }

  #remember(id, version) {
    this.#versions.delete(id);
    this.#versions.set(id, version);
    if (this.#versions.size > VERSIONS_MAX) this.#versions.delete(this.#versions.keys().next().value);
  }

  #hear(event) {
    if (!this.ready) return void this.#early.push(event);
    const { data, type, changes } = event;
    if (!data?.id || (this.#versions.get(data.id) ?? 0) >= data.version) return;
    this.#remember(data.id, data.version);
    const now = matches(data, this.filters, this.user.id);
    const old = before(event);
    const was = old !== null && matches(old, this.filters, this.user.id);
    const at = this.rows.findIndex(({ id }) => id === data.id);
    const known = at >= 0 ? this.rows.splice(at, 1)[0] : null;
    if (now && !was && !known) this.total += 1;
    if (!now && (was || known)) this.total = Math.max(0, this.total - 1);
    const shown = now && this.#place({ ...known, ...data }, Boolean(known));
    if (!now && was && !known) this.moved ||= this.page > 1;
    if (shown && (!known || type === "ticket.restored" || Object.keys(changes ?? {}).some((name) => MOVES_CLOCKS.includes(name)))) this.#askFor(data.id);
    this.#tell(shown ? [data.id] : []);
  }

  /** Puts a ticket where it belongs; says whether that is on this page. */
  #place(ticket, wasHere) {
    const compare = comparer(this.filters.sort);
    const later = this.rows.findIndex((row) => compare(ticket, row) < 0);
    const at = later < 0 ? this.rows.length : later;
    if (at === 0 && this.page > 1) {
      this.moved = true;
      return false;
    }
    const more = this.page < this.pages;
    if (at === this.rows.length && (at >= PER_PAGE || (more && !wasHere))) return false;
    this.rows.splice(at, 0, ticket);
    this.rows.length = Math.min(this.rows.length, PER_PAGE);
    return true;
  }

  #askFor(id) {
    clearTimeout(this.#timers.get(id));
    this.#timers.set(id, setTimeout(() => {
      this.#timers.delete(id);
      if (!this.rows.some((row) => row.id === id)) return;
      asking(() => api.get(`/tickets/${id}`, { signal: this.signal })).then(({ data }) => this.put(data), () => {});
    }, ASK_MS));
  }
}
