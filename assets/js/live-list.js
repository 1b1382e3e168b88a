// A page of a list, read once and then kept true by events alone: what changed is patched, moves,
// comes and goes. It is read again only for other filters, another page, or after a lost history.

import { api, lanes, query } from "./api.js";
import { feed, listen, standing } from "./feed.js";

/** Rows on a page. */
export const PER_PAGE = 25;

/** Versions remembered, so that a change that is said by two events is one. */
const VERSIONS_MAX = 5_000;

/** What no event tells: the row itself is asked for, after this long and once a bunch. */
const ASK_MS = 400;
const asking = lanes(2);

/**
 * Dispatches `changed` (detail: ids of rows that changed or came), and `trouble` (the error, or null).
 * Whoever extends it says what the rows are: `asked`, `matches`, `before`, `compare`, `isUnsaid`.
 */
export class LiveList extends EventTarget {
  rows = [];
  total = 0;
  atLeast = false;
  page = 1;
  filters = {};
  ready = false;
  /** Whether rows of other pages have moved, so that this page is no longer what that number says. */
  moved = false;
  #early = [];
  #versions = new Map();
  #asked = 0;
  #timers = new Map();
  #fresh = [];
  #telling = false;

  /** The rows are at `path` of the API, their events begin with `family`. Ends when `signal` aborts. */
  constructor(path, family, user, signal) {
    super();
    this.path = path;
    this.user = user;
    this.signal = signal;
    listen((event) => event.type.startsWith(family) && this.hear(event), signal);
    feed.addEventListener("resync", () => this.load(this.filters, this.page), { signal });
    signal.addEventListener("abort", () => this.#timers.forEach(clearTimeout));
  }

  /** What the server is asked for these filters. */
  asked(filters) {
    return filters;
  }

  /** Whether an event tells less of a row that is shown than there is to know. */
  isUnsaid() {
    return false;
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
      const { data, meta } = await api.get(this.path + query({ ...this.asked(filters), page, per_page: PER_PAGE }), { signal: this.signal });
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
    this.tell([]);
    for (const event of this.#early.splice(0)) this.hear(event);
  }

  /** Puts in a newer state that an answer told. */
  put(row) {
    const at = this.rows.findIndex(({ id }) => id === row.id);
    if (at < 0 || this.rows[at].version > row.version) return;
    this.rows[at] = { ...this.rows[at], ...row };
    this.#remember(row.id, row.version);
    this.tell([]);
  }

  /** Takes a row off this list although no event says that it is no longer part of it. */
  drop(id) {
    const at = this.rows.findIndex((row) => row.id === id);
    if (at < 0) return;
    this.rows.splice(at, 1);
    this.total = Math.max(0, this.total - 1);
    this.tell([]);
  }

  /** Says that these changed; events of one frame are drawn once. */
  tell(ids) {
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

  /** Takes in what an event says. */
  hear(event) {
    if (!this.ready) return void this.#early.push(event);
    const { data } = event;
    if (!data?.id || (this.#versions.get(data.id) ?? 0) >= data.version) return;
    this.#remember(data.id, data.version);
    const at = this.rows.findIndex(({ id }) => id === data.id);
    const known = at >= 0 ? this.rows.splice(at, 1)[0] : null;
    const now = this.matches(data, known);
    const old = this.before(event);
    const was = old !== null && this.matches(old, known);
    if (now && !was && !known) this.total += 1;
    if (!now && (was || known)) this.total = Math.max(0, this.total - 1);
    const shown = now && this.#place({ ...known, ...data }, Boolean(known));
    if (!now && was && !known) this.moved ||= this.page > 1;
    if (shown && this.isUnsaid(event, known)) this.#askFor(data.id);
    this.tell(shown ? [data.id] : []);
  }

  /** Puts a row where it belongs; says whether that is on this page. */
  #place(row, wasHere) {
    const later = this.rows.findIndex((other) => this.compare(row, other) < 0);
    const at = later < 0 ? this.rows.length : later;
    if (at === 0 && this.page > 1) {
      this.moved = true;
      return false;
    }
    const more = this.page < this.pages;
    if (at === this.rows.length && (at >= PER_PAGE || (more && !wasHere))) return false;
    this.rows.splice(at, 0, row);
    this.rows.length = Math.min(this.rows.length, PER_PAGE);
    return true;
  }

  #askFor(id) {
    clearTimeout(this.#timers.get(id));
    this.#timers.set(id, setTimeout(() => {
      this.#timers.delete(id);
      if (!this.rows.some((row) => row.id === id)) return;
      asking(() => api.get(`${this.path}/${id}`, { signal: this.signal })).then(({ data }) => this.answered(data), () => {});
    }, ASK_MS));
  }

  /** Takes in a row that was asked for by itself. */
  answered(row) {
    this.put(row);
  }
}
