// The log as this browser knows it: the newest events, filled from REST once and by the socket since.

import { api, ApiError, query } from "./api.js";
import { learn } from "./people.js";
import { BellSocket } from "./socket.js";

/** Events and gaps kept in memory and on the page. */
export const KEEP_MAX = 500;
/** Events shown at the start, and how far back we look for them; other tenants' events leave holes. */
const START_WITH = 50;
const LOOK_BACK = [200, 2_000, 20_000];
const PAGE_MAX = 200;
/** At most this many pages are read for one look back. */
const PAGES_MAX = 10;

/** From a frame of the socket or a row of `GET /events` to one shape. */
export function toEvent(raw) {
  return {
    seq: raw.seq, id: raw.id, type: String(raw.type ?? ""), at: raw.ts ?? Date.parse(raw.created_at),
    actor: raw.actor ?? null, data: raw.payload ?? raw.data ?? {}, changes: raw.changes ?? null,
    room: raw.room ?? null, audience: raw.audience ?? null,
  };
}

/** Dispatches `added` (detail: events, newest first), `reset`, and passes on the socket's `resync`. */
class Feed extends EventTarget {
  /** Newest first: events, and `{gap: reason}` where some are missing. */
  items = [];
  ready = false;
  /** Why the past could not be read, where it could not. */
  error = null;
  #waiting = [];
  #user = null;
  #mark = null;

  /** `check` is asked whether the session still lives; see {@link BellSocket}. */
  begin(check) {
    this.socket = new BellSocket(check);
    this.socket.addEventListener("event", ({ detail }) => this.#take(toEvent(detail)));
    this.socket.addEventListener("resync", ({ detail }) => this.#resync(detail));
  }

  /**
   * Notes where the log stands. What happens from here on will be told, so a page that reads after
   * this, and then listens, misses nothing.
   */
  async locate() {
    try {
      this.#mark = (await api.get("/events?limit=1")).meta;
    } catch (error) {
      // The beginning of the log may be gone; the socket will tell where it stands.
      if (!(error instanceof ApiError) || error.status !== 410) throw error;
      this.#mark = {};
    }
  }

  /**
   * Listens from where {@link locate} was, or now; before that reads the recent past, unless nobody
   * will look at it. `user` is who listens, the same as before unless given.
   */
  async start(user = this.#user, { past = true } = {}) {
    this.#user = user;
    this.items = [];
    this.ready = false;
    this.error = null;
    let from = {};
    try {
      if (!this.#mark) await this.locate();
      const { latest_seq: seq = null, epoch = null } = this.#mark;
      from = { seq, epoch };
      if (past && seq !== null) await this.#past(this.#mark);
    } catch (error) {
      this.error = error;
    }
    this.#mark = null;
    this.ready = true;
    this.dispatchEvent(new Event("reset"));
    this.socket.start(from);
  }

  /** Whether it has a place in the log: what is read now, and what will be heard, leave no gap. */
  get stands() {
    return this.ready || this.#mark !== null;
  }

  /** Forgets everything, at sign-out. */
  stop() {
    this.socket?.stop();
    this.#mark = null;
    this.items = [];
    this.ready = false;
    this.dispatchEvent(new Event("reset"));
  }

  /** Puts the last events before `latest` into `items`. */
  async #past({ latest_seq: latest = 0, oldest_seq: oldest = 0 }) {
    let rows = [];
    for (const back of LOOK_BACK) {
      const after = Math.max(0, oldest - 1, latest - back);
      rows = (await this.#pages(after, latest)).filter(({ seq }) => seq <= latest);
      if (rows.length >= START_WITH || after <= Math.max(0, oldest - 1)) break;
    }
    this.items = rows.slice(-START_WITH).map(toEvent).reverse();
    for (const item of this.items) learn(item.actor?.id, item.actor?.name);
  }

  /** The log also has what was rung in other rooms, or in none; the feed shows what the socket would have told. */
  #hears(room) {
    return ["tenant", "everyone", `user:${this.#user?.id}`, `role:${this.#user?.role}`].includes(room);
  }

  async #pages(after, latest) {
    const rows = [];
    for (let page = 0, at = after; page < PAGES_MAX && at < latest; page += 1) {
      const { data } = await api.get(`/events${query({ after: at, limit: PAGE_MAX })}`);
      rows.push(...(data ?? []).filter(({ room }) => this.#hears(room)));
      if (!data?.length) break;
      at = data.at(-1).seq;
    }
    return rows;
  }

  /** Events of one animation frame are told together, so that a storm costs one layout. */
  #take(event) {
    learn(event.actor?.id, event.actor?.name);
    this.#waiting.push(event);
    if (this.#waiting.length > 1) return;
    const tell = () => {
      const fresh = this.#waiting.reverse();
      this.#waiting = [];
      this.items = [...fresh, ...this.items].slice(0, KEEP_MAX);
      this.dispatchEvent(new CustomEvent("added", { detail: fresh }));
    };
    if (document.visibilityState === "visible") requestAnimationFrame(tell);
    else setTimeout(tell, 250);
  }

  #resync(detail) {
    this.items = [{ gap: detail.reason ?? "unknown", at: Date.now() }, ...this.items].slice(0, KEEP_MAX);
    this.dispatchEvent(new CustomEvent("resync", { detail }));
    this.dispatchEvent(new Event("reset"));
  }
}

/** The one feed of this page. */
export const feed = new Feed();

/** Calls `take(event)` for every event from now on, in the order of the log, until `signal` aborts. */
export function listen(take, signal) {
  feed.addEventListener("added", ({ detail }) => [...detail].reverse().forEach(take), { signal });
}

/**
 * Resolves once the feed has a place in the log. What is read after that, together with what is
 * heard from then on, leaves no gap; the other way round something could fall between the two.
 */
export function standing(signal) {
  if (feed.stands) return Promise.resolve();
  return new Promise((resolve) => {
    const ask = () => feed.stands && resolve();
    feed.addEventListener("reset", ask, { signal });
  });
}
