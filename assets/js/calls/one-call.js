// One call, read once and then kept true: its events say that something changed, and what they do not
// carry (offers, parts, until when to write it up) is asked for, of this one call, once a bunch.

import { api } from "../api.js";
import { feed, listen, standing } from "../feed.js";

/** Events come in bunches. */
const ASK_MS = 40;

/**
 * `rings` at their telephone, they are the one who `calls` somebody, `has` it, `writes` it up, or
 * none of these: null.
 */
export function roleOf(call, user) {
  const over = call.status === "ended";
  const mine = call.parts.filter((part) => part.agent_id === user.id);
  if (!over && mine.some((part) => !part.ended_at)) return "has";
  if (!over && call.direction === "outbound" && !call.answered_at && call.agent_id === user.id) return "calls";
  const taken = call.parts.some((part) => !part.ended_at);
  if (!over && !taken && call.offers.some((offer) => offer.is_open && offer.agent_id === user.id)) return "rings";
  const last = mine.at(-1);
  return last?.ended_at && last.wrap_up_until && !last.wrapped_up_at ? "writes" : null;
}

/** Until when `user` may write a call up, while they do. */
export const writesUntil = (call, user) => call.parts.findLast((part) => part.agent_id === user.id)?.wrap_up_until ?? null;

/** Dispatches `changed`, and `trouble` (detail: the error, or null once it is over). */
export class OneCall extends EventTarget {
  /** As `GET /calls/{id}` gives it; null until it was read or {@link expect} said something. */
  call = null;
  #timer = null;
  #asked = 0;
  #heard = 0;

  /** Keeps itself up to date until `signal` aborts. */
  constructor(id, user, signal) {
    super();
    this.id = id;
    this.user = user;
    this.signal = signal;
    listen(({ type, data }) => type.startsWith("call.") && data?.id === id && this.#hear(data), signal);
    feed.addEventListener("resync", () => this.ask(), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** Reads it; throws what the server says. */
  async read() {
    this.#asked += 1;
    const mine = this.#asked;
    await standing(this.signal);
    const { data } = await api.get(`/calls/${encodeURIComponent(this.id)}`, { signal: this.signal });
    // Something else was asked for since, and will tell more.
    if (mine === this.#asked) this.#put(data);
  }

  /** Shows what an event said before anything was read. */
  expect(data) {
    const rings = data.direction === "inbound" && data.status === "ringing" ? [{ agent_id: data.agent_id, ringing_at: data.ringing_at, missed_at: null, is_open: true }] : [];
    this.call ??= { parts: [], transfers: [], offers: rings, customer: null, recent_tickets: [], ...data };
  }

  /** An event says that it changed: to which version at least. */
  #hear(data) {
    this.#heard = Math.max(this.#heard, data.version);
    this.ask();
  }

  /** Asks for the whole of it, soon. */
  ask() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      try {
        await this.read();
        this.dispatchEvent(new CustomEvent("trouble", { detail: null }));
      } catch (error) {
        if (!this.signal.aborted) this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
      }
    }, ASK_MS);
  }

  #put(call) {
    if (this.call && call.version < Math.max(this.call.version, this.#heard)) return this.ask();
    this.call = call;
    this.dispatchEvent(new Event("changed"));
    return undefined;
  }

  /** `POST /calls/{id}/{deed}`; what became of it is shown when it was read. */
  async act(deed, body = {}, options = {}) {
    const { data } = await api.post(`/calls/${this.id}/${deed}`, body, options);
    // What was done is done, even where it cannot be shown yet.
    await this.read().catch(() => this.ask());
    return data;
  }
}
