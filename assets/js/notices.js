// What this person was told: the unread count read once, then kept true by events; the list when asked for.

import { api, query } from "./api.js";
import { feed } from "./feed.js";
import { learn } from "./people.js";

/** Notifications read at a time, and the most that are kept on the page. */
const PAGE = 20;
const KEEP_MAX = 200;

/** Newest first: an event happened later when its `seq` is higher. */
const newer = (a, b) => b.event_seq - a.event_seq;

/**
 * Dispatches `changed` after any change, and `arrived` (detail: notifications, oldest first) when
 * somebody was told something while this page is open.
 */
export class Notices extends EventTarget {
  /** How many are unread; null until the server said so. */
  unread = null;
  /** Whether `list` is being read, and what went wrong where it could not be. */
  loading = false;
  error = null;
  /** Whether the newest have been read from the server, and whether there are older ones. */
  loaded = false;
  more = false;
  #byId = new Map();
  #gone = new Set();
  #early = [];
  #countedTo = 0;
  #signal;

  /** Counts and listens until `signal` aborts. */
  constructor(signal) {
    super();
    this.#signal = signal;
    feed.addEventListener("added", ({ detail }) => this.#hear([...detail].reverse()), { signal });
    feed.addEventListener("resync", () => this.#again(), { signal });
    this.#count();
  }

  /** Newest first. */
  get list() {
    return [...this.#byId.values()].sort(newer);
  }

  #tell() {
    this.dispatchEvent(new Event("changed"));
  }

  /** The count that events go on from; what they said in the meantime is caught up with. */
  async #count() {
    try {
      const { data } = await api.get("/notifications/unread-count", { signal: this.#signal });
      this.unread = data.unread_count;
      this.#countedTo = data.counted_to ?? 0;
      const early = this.#early;
      this.#early = [];
      for (const event of early) this.#apply(event);
      // A number said earlier than this count would take its place: then it is counted once more.
      if (early.some(({ type }) => type === "notification.read")) return this.#recount();
      this.#tell();
      return undefined;
    } catch {
      // No number is better than a wrong one; the list says what is the matter.
      return undefined;
    }
  }

  #recount() {
    this.unread = null;
    return this.#count();
  }

  /** The log could not be followed without a gap: everything is read anew. */
  #again() {
    const wanted = this.loaded;
    this.unread = null;
    this.#early = [];
    this.#byId.clear();
    this.loaded = false;
    this.#count();
    if (wanted) this.read();
  }

  /** Reads the newest, or the next older ones. */
  async read() {
    if (this.loading) return;
    this.loading = true;
    this.error = null;
    this.#tell();
    try {
      // Pages overlap where something came or went meanwhile, so that nothing is passed over.
      const page = this.loaded ? Math.floor(this.#byId.size / PAGE) + 1 : 1;
      const { data, meta } = await api.get(`/notifications${query({ page, per_page: PAGE })}`, { signal: this.#signal });
      for (const one of data ?? []) this.#put(one);
      this.more = page < (meta.total_pages ?? 0) && this.#byId.size < KEEP_MAX;
      this.loaded = true;
    } catch (error) {
      this.error = error;
    }
    this.loading = false;
    this.#tell();
  }

  #put(one) {
    const known = this.#byId.get(one.id);
    if (this.#gone.has(one.id) || (known && known.version >= one.version)) return;
    learn(one.actor_id, one.actor_name);
    this.#byId.set(one.id, { ...known, ...one });
    if (this.#byId.size > KEEP_MAX) this.#byId.delete(this.list.at(-1).id);
  }

  #hear(events) {
    const mine = events.filter(({ type }) => type === "notification.created" || type === "notification.read");
    if (!mine.length) return;
    if (this.unread === null) this.#early.push(...mine);
    else for (const event of mine) this.#apply(event);
    const fresh = mine.filter(({ type }) => type === "notification.created").map(({ data }) => data);
    for (const one of fresh) this.#put(one);
    this.#tell();
    if (fresh.length) this.dispatchEvent(new CustomEvent("arrived", { detail: fresh }));
  }

  #apply({ type, data }) {
    if (type === "notification.created") {
      if (data.event_seq > this.#countedTo) this.unread += 1;
      return;
    }
    this.unread = data.unread_count ?? this.unread;
    if (data.all) this.#allRead(data);
    else if (data.deleted_at) this.#drop(data.id);
    else this.#put(data);
  }

  #allRead({ event_seq: upTo, read_at }) {
    for (const one of this.#byId.values()) {
      if (!one.read_at && one.event_seq <= upTo) this.#byId.set(one.id, { ...one, version: 2, read_at });
    }
  }

  #drop(id) {
    this.#byId.delete(id);
    this.#gone.add(id);
  }

  /** Notes that one was read. What changes is told by the event, to this page as to all others. */
  async markRead(id) {
    const { data } = await api.post(`/notifications/${id}/read`);
    this.#put(data);
    this.#tell();
  }

  /** Notes that all were read. */
  async markAllRead() {
    await api.post("/notifications/read-all");
  }

  /** Removes one. */
  async remove(id) {
    await api.delete(`/notifications/${id}`);
    this.#drop(id);
    this.#tell();
  }
}
