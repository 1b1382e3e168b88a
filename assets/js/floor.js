// Who is in which state: read once, then kept true by the feed. The board and the live page show it.

import { api } from "./api.js";
import { feed } from "./feed.js";
import { learn, nameOf } from "./people.js";
import { every } from "./time.js";

/** The feed patches the states; this only repairs what it may have missed. */
const REFRESH_MS = 30_000;

/** Dispatches `changed`, and `trouble` (detail: the error, or null once it is over). */
export class Floor extends EventTarget {
  /** By user id, as `GET /agent-state` gives them. */
  agents = new Map();
  /** Who changed since the last time somebody drew. */
  fresh = new Set();

  /** Keeps itself up to date until `signal` aborts. */
  constructor(signal) {
    super();
    this.signal = signal;
    feed.addEventListener("added", ({ detail }) => this.#hear(detail), { signal });
    feed.addEventListener("resync", () => this.#load(), { signal });
    every(REFRESH_MS, () => this.#load(), signal);
  }

  /** What an agent is called. */
  name(agent) {
    return agent.name ?? nameOf(agent.user_id);
  }

  /** All of them, in the order of `compare`, else of the alphabet. */
  sorted(compare = () => 0) {
    const byName = (a, b) => String(this.name(a)).localeCompare(String(this.name(b)));
    return [...this.agents.values()].sort((a, b) => compare(a, b) || byName(a, b));
  }

  /** Puts in what the server answered about one agent. */
  put(agent) {
    this.agents.set(agent.user_id, { ...this.agents.get(agent.user_id), ...agent });
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("changed"));
  }

  async #load() {
    try {
      const { data } = await api.get("/agent-state", { signal: this.signal });
      this.agents = new Map((data ?? []).map((agent) => [agent.user_id, agent]));
      for (const agent of this.agents.values()) learn(agent.user_id, agent.name);
      this.dispatchEvent(new CustomEvent("trouble", { detail: null }));
      this.#tell();
    } catch (error) {
      if (!this.signal.aborted) this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
    }
  }

  /** Newest first, so the oldest is applied first. */
  #hear(events) {
    const states = events.filter(({ type }) => type === "agent.state.changed" || type === "agent.state.overdue").reverse();
    for (const { type, data, at } of states) {
      const before = this.agents.get(data.user_id) ?? { user_id: data.user_id };
      const { state, reason = null, next_state = null, next_reason = null, call_id = null, since = at } = data;
      const now = { state, reason, next_state, next_reason, call_id, since, overdue: before.overdue && before.since === since };
      this.agents.set(data.user_id, type === "agent.state.overdue" ? { ...before, overdue: true } : { ...before, ...now });
      this.fresh.add(data.user_id);
    }
    if (states.length) this.#tell();
    // Somebody came, went, or has another name or role now.
    if (events.some(({ type }) => type.startsWith("user."))) this.#load();
  }
}
