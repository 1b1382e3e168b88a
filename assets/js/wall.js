// The board as the server tells it: read once, then kept true by what the room `board` is told.

import { api } from "./api.js";
import { feed } from "./feed.js";

let serial = 0;

/** Parts that come whole. */
const WHOLE = ["calls", "callers", "tickets", "webhooks", "day_since"];
/** How long the server may keep us waiting for the room, before we ask once more. */
const ANSWER_MS = 5_000;

const keyed = (rows, key) => new Map((rows ?? []).map((row) => [row[key], row]));

/**
 * Dispatches `changed`, and `stale` (detail: why, or null once it is true again). The room is entered
 * first and the board read then, so nothing falls between the two; what is told meanwhile waits.
 */
export class Wall extends EventTarget {
  /** As `GET /board` gives it, agents by id and queues by name; null before it was read. */
  board = null;
  stale = "";
  #ref = "";
  #waiting = null;
  #retry = null;

  /** Keeps itself true until `signal` aborts. */
  constructor(signal) {
    super();
    this.signal = signal;
    const { socket } = feed;
    socket.addEventListener("hello", () => this.#enter(), { signal });
    socket.addEventListener("reply", ({ detail }) => this.#entered(detail), { signal });
    socket.addEventListener("sign", ({ detail }) => this.#hear(detail), { signal });
    socket.addEventListener("state", ({ detail }) => this.#line(detail), { signal });
    signal.addEventListener("abort", () => {
      clearTimeout(this.#retry);
      socket.tell("room.leave", { room: "board" });
    });
    if (socket.connection !== null) this.#enter();
  }

  #enter() {
    serial += 1;
    this.#ref = `wall-${serial}`;
    this.#waiting = [];
    feed.socket.tell("room.join", { room: "board" }, this.#ref);
    this.#again();
  }

  #again() {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => feed.socket.connection !== null && this.#enter(), ANSWER_MS);
  }

  #entered({ type, ref }) {
    if (ref !== this.#ref) return;
    if (type === "reply") this.#read();
    else this.#say("The server does not let this page into the room of boards.");
  }

  async #read() {
    const mine = this.#ref;
    try {
      const { data } = await api.get("/board", { signal: this.signal });
      if (mine !== this.#ref) return;
      clearTimeout(this.#retry);
      this.board = { ...data, agents: keyed(data.agents, "user_id"), queues: keyed(data.queues, "name") };
      for (const change of this.#waiting ?? []) this.#apply(change);
      this.#waiting = null;
      this.#say("");
      this.dispatchEvent(new Event("changed"));
    } catch (error) {
      if (!this.signal.aborted) this.#say("The board cannot be read. Trying again.");
    }
  }

  #hear({ type, payload }) {
    if (type === "room.left" && payload?.room === "board") this.#say("This page may not see the board any more.");
    if (type === "board.settings") this.#enter();
    if (type !== "board.changed") return;
    if (this.#waiting) this.#waiting.push(payload);
    else if (this.#apply(payload)) this.dispatchEvent(new Event("changed"));
  }

  /** Rows are whole as of `seq`, so putting one in twice does no harm; an older one is not put in. */
  #apply(change) {
    const { board } = this;
    if (!board || change.seq < board.seq) return false;
    board.seq = change.seq;
    if (change.whole) {
      board.agents.clear();
      board.queues.clear();
    }
    for (const agent of change.agents ?? []) board.agents.set(agent.user_id, agent);
    for (const id of change.agents_gone ?? []) board.agents.delete(id);
    for (const queue of change.queues ?? []) board.queues.set(queue.name, queue);
    for (const name of change.queues_gone ?? []) board.queues.delete(name);
    for (const part of WHOLE) if (change[part] !== undefined) board[part] = change[part];
    return true;
  }

  /** A cut line is told at once: a board that stands still must not look alive. */
  #line({ state, why }) {
    if (state === "live" || state === "catching-up" || feed.socket.connection !== null) return;
    clearTimeout(this.#retry);
    this.#say(why || "The connection to the server is lost.");
  }

  #say(stale) {
    if (stale === this.stale) return;
    this.stale = stale;
    this.dispatchEvent(new CustomEvent("stale", { detail: stale || null }));
  }
}
