// Keeps one WebSocket to /ws open: resumes from the last seq after a break, and says how it stands.

/** First wait before another try, and the longest; each is multiplied by 0.5–1 at random. */
const WAIT_FIRST_MS = 500;
const WAIT_MAX_MS = 20_000;
/** Nothing heard for this long: ask; and no answer for that long: start again. */
const QUIET_MS = 35_000;
const ANSWER_MS = 6_000;
/** The session is renewed this long before it ends, so that an open page stays signed in. */
const RENEW_BEFORE_MS = 120_000;
/** What was said and not taken by the line yet, bytes; beyond it nothing more is said, nor kept for later. */
const UNSENT_MAX = 16_384;
/** The longest that a server may ask us to stay away. */
const AWAY_MAX_MS = 60_000;
/** A connection that lived this long was a good one: the next wait starts small again. */
const PROVEN_MS = 5_000;

/** Close codes after which trying again by itself would be rude or useless. */
const ASK_WHO_WE_ARE = new Set([4001, 4003]);
const STOP = new Set([4013]);

/**
 * Dispatches `state` (detail `{state, why}`), `hello` for each connection, `event` (a durable frame),
 * `sign` (one without `seq`), `reply` (a frame of type `reply` or `error`, with the `ref` of what was
 * said), and `resync` (detail `{reason, latest_seq, oldest_seq}`) when what was missed is no longer kept.
 * States: idle, connecting, catching-up, live, reconnecting, stopped.
 */
export class BellSocket extends EventTarget {
  state = "idle";
  why = "";
  seq = null;
  epoch = null;
  /** The number of the connection, as the server tells it; null while there is none. */
  connection = null;
  #socket = null;
  #tries = 0;
  #timer = null;
  #renewal = null;
  #heard = 0;
  #openedAt = 0;
  #rooms = new Set();
  #check;

  /** `check()` resolves to false when the session has ended: then the socket stops. */
  constructor(check) {
    super();
    this.#check = check;
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#hurry());
    setInterval(() => this.#listen(), 5_000);
  }

  /** Connects; with a `seq` everything after it comes first. */
  start({ seq = null, epoch = null } = {}) {
    this.stop();
    this.seq = seq;
    this.epoch = epoch;
    this.#tries = 0;
    this.#open("connecting");
  }

  /** Closes and stays closed. */
  stop() {
    clearTimeout(this.#timer);
    this.#drop();
    this.#say("idle");
  }

  /** Stands in a room until `signal` aborts, through breaks too: what is true there for a moment is told as `sign`. */
  join(room, signal) {
    this.#rooms.add(room);
    this.tell("room.join", { room });
    signal.addEventListener("abort", () => {
      this.#rooms.delete(room);
      this.tell("room.leave", { room });
    }, { once: true });
  }

  /** Says something for the moment, if anybody can hear it just now. */
  tell(type, payload) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ type, payload }));
  }

  /** Opens again at once and resumes: for a person who does not want to wait. */
  again() {
    clearTimeout(this.#timer);
    this.#drop();
    this.#open("reconnecting");
  }

  /**
   * Says something for the moment; answers whether it was. Nothing is kept for later: who hears
   * `hello` says again what is still true.
   */
  tell(type, payload, ref) {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN || socket.bufferedAmount > UNSENT_MAX) return false;
    socket.send(JSON.stringify({ type, ref, payload }));
    return true;
  }

  #drop() {
    clearTimeout(this.#renewal);
    const socket = this.#socket;
    this.#socket = null;
    this.connection = null;
    socket?.close(1000);
  }

  #say(state, why = "") {
    if (state === this.state && why === this.why) return;
    this.state = state;
    this.why = why;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, why } }));
  }

  #open(state) {
    this.#say(state);
    const url = new URL("/ws", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.searchParams.set("v", "2");
    if (this.seq !== null) url.searchParams.set("since", this.seq);
    if (this.seq !== null && this.epoch) url.searchParams.set("epoch", this.epoch);
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#heard = Date.now();
    this.#openedAt = 0;
    const mine = (handle) => (event) => socket === this.#socket && handle(event);
    socket.addEventListener("open", mine(() => { this.#openedAt = Date.now(); this.#heard = Date.now(); }));
    socket.addEventListener("message", mine((event) => this.#frame(event.data)));
    socket.addEventListener("close", mine((event) => this.#closed(event)));
  }

  #frame(text) {
    this.#heard = Date.now();
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    const { type, payload } = frame;
    if (type === "hello") return this.#hello(payload);
    if (type === "resumed") return this.#say("live");
    if (type === "resync_required") return this.#resync(payload);
    if (type === "auth.expiring") return this.#renew();
    if (type === "pong") return undefined;
    if (type === "reply" || type === "error") return this.dispatchEvent(new CustomEvent("reply", { detail: frame }));
    if (!Number.isInteger(frame.seq)) return this.dispatchEvent(new CustomEvent("sign", { detail: frame }));
    if (this.seq !== null && frame.seq <= this.seq) return undefined;
    this.seq = frame.seq;
    this.dispatchEvent(new CustomEvent("event", { detail: frame }));
    return undefined;
  }

  #hello({ conn_id: connection = null, latest_seq: latest, epoch, token_ttl_s: ttl } = {}) {
    this.connection = connection;
    clearTimeout(this.#renewal);
    if (Number.isFinite(ttl)) this.#renewal = setTimeout(() => this.#renew(), Math.max(0, ttl * 1000 - RENEW_BEFORE_MS));
    const fresh = this.seq === null;
    if (fresh) this.seq = latest ?? 0;
    if (epoch) this.epoch = epoch;
    for (const room of this.#rooms) this.tell("room.join", { room });
    this.#say(fresh || latest === this.seq ? "live" : "catching-up");
    this.dispatchEvent(new Event("hello"));
  }

  /** The server cannot fill the gap. We go on from now, and whoever shows the past must say so. */
  #resync(payload = {}) {
    if (Number.isInteger(payload.latest_seq)) this.seq = payload.latest_seq;
    this.dispatchEvent(new CustomEvent("resync", { detail: payload }));
    this.#say("live");
  }

  /** The session's cookie runs out soon: renew it, then come back with it. */
  async #renew() {
    if (await this.#check({ renew: true })) this.again();
  }

  async #closed({ code, reason }) {
    clearTimeout(this.#renewal);
    this.#socket = null;
    this.connection = null;
    let said = {};
    try {
      said = JSON.parse(reason) ?? {};
    } catch {
      // No reason given.
    }
    if (this.#openedAt && Date.now() - this.#openedAt > PROVEN_MS) this.#tries = 0;
    this.#tries += 1;
    if (STOP.has(code) && said.reconnect !== true) return this.#say("stopped", "An administrator ended this connection.");
    this.#say("reconnecting", words(code));
    // A browser does not tell a refused upgrade from a broken line, so ask by HTTP.
    if (ASK_WHO_WE_ARE.has(code) || code === 4005 || (!this.#openedAt && this.#tries % 3 === 2)) {
      if (!(await this.#check({ renew: code === 4005 }))) return this.stop();
      if (this.#socket || this.state === "idle") return undefined;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open("reconnecting"), this.#pause(code, said.retry_in_ms));
    return undefined;
  }

  /** How long to stay away, ms. A server that names a time has spread its clients: never sooner than that. */
  #pause(code, asked) {
    if (asked > 0) return Math.min(AWAY_MAX_MS, asked) * (1 + Math.random() / 10);
    const slow = code === 4009 || code === 4012 ? WAIT_MAX_MS : 0;
    const wait = Math.min(WAIT_MAX_MS, WAIT_FIRST_MS * 2 ** (this.#tries - 1));
    return Math.max(slow, wait) * (0.5 + Math.random() / 2);
  }

  /** The network or the window is back: no reason to wait any longer. */
  #hurry() {
    if (this.state === "reconnecting" && !this.#socket) this.again();
    else this.#listen(true);
  }

  /** Notices a line that is dead without having been closed. */
  #listen(now = false) {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return;
    if (!now && Date.now() - this.#heard < QUIET_MS) return;
    const asked = Date.now();
    socket.send(JSON.stringify({ type: "ping" }));
    setTimeout(() => {
      if (socket === this.#socket && this.#heard < asked) this.again();
    }, ANSWER_MS);
  }
}

function words(code) {
  if (code === 1012) return "The server is restarting.";
  if (code === 4008) return "This page could not keep up for a moment.";
  if (code === 4009) return "You have too many connections open.";
  if (code === 4012) return "This page sent too much.";
  return "";
}
