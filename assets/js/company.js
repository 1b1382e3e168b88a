// Who else is at a ticket now: who looks at it and who writes, as the socket tells. Staff only.

import { directory } from "./directory.js";
import { fill, h, icon } from "./dom.js";
import { feed } from "./feed.js";

/** Somebody who goes on writing says so again, no more often than this; the server holds it for 6 s. */
const AGAIN_MS = 3_000;
/** The server passes one word a second on; news that comes sooner is said then, if it still holds. */
const SOONEST_MS = 1_100;
/** How long a word of somebody's writing holds where the server does not say. */
const HOLDS_MS = 6_000;
/** People kept in mind; the others are not shown. */
const PEOPLE_MAX = 50;
/** People named; the others are counted. */
const NAMES_MAX = 3;

let serial = 0;

/** The line that says who else is here: put `node` on the page. Leaves when `signal` aborts. */
export class Company {
  #looking = new Map();
  #writing = new Map();
  #room;
  #ref = "";
  #inside = false;
  #said = { at: 0, internal: false, active: false };
  #later = null;
  #timer = null;
  #shown = "";

  constructor(ticket, me, signal) {
    this.me = me;
    this.#room = `ticket:${ticket.id}`;
    this.node = h("p", { class: "company quiet small", role: "status", "aria-live": "polite" });
    const { socket } = feed;
    socket.addEventListener("hello", () => this.#enter(), { signal });
    socket.addEventListener("reply", ({ detail }) => this.#entered(detail), { signal });
    socket.addEventListener("sign", ({ detail }) => this.#hear(detail), { signal });
    socket.addEventListener("state", ({ detail }) => detail.state === "live" || socket.connection !== null || this.#lost(), { signal });
    document.addEventListener("visibilitychange", () => this.#look(), { signal });
    directory.addEventListener("changed", () => this.#draw(), { signal });
    signal.addEventListener("abort", () => this.#leave());
    if (socket.connection !== null) this.#enter();
  }

  /** Tells the others while somebody writes in `composer`. */
  watch({ area, form, draft }) {
    area.addEventListener("input", () => (area.value.trim() ? this.#write(draft.internal) : this.#rest()));
    form.addEventListener("submit", () => this.#rest());
  }

  #enter() {
    this.#lost();
    serial += 1;
    this.#ref = `company-${serial}`;
    feed.socket.tell("room.join", { room: this.#room }, this.#ref);
  }

  #entered({ type, ref, payload }) {
    if (ref !== this.#ref || type !== "reply") return;
    this.#inside = true;
    for (const { id, name } of payload?.viewing ?? []) this.#keep(this.#looking, id, { name });
    this.#look();
    this.#draw();
  }

  /** A page in the background is looked at by nobody. */
  #look() {
    if (this.#inside) feed.socket.tell("viewing", { room: this.#room, active: document.visibilityState === "visible" });
  }

  #leave() {
    clearTimeout(this.#timer);
    clearTimeout(this.#later);
    this.#ref = "";
    if (this.#inside) feed.socket.tell("room.leave", { room: this.#room });
    this.#inside = false;
  }

  /** The line is cut, or we may not be here any more: nobody knows who is. */
  #lost() {
    this.#inside = false;
    clearTimeout(this.#later);
    this.#said = { at: 0, internal: false, active: false };
    this.#looking.clear();
    this.#writing.clear();
    this.#draw();
  }

  #write(internal) {
    clearTimeout(this.#later);
    if (!this.#inside) return;
    const now = Date.now();
    const isNews = !this.#said.active || internal !== this.#said.internal;
    const wait = this.#said.at + (isNews ? SOONEST_MS : AGAIN_MS) - now;
    if (wait > 0) {
      if (isNews) this.#later = setTimeout(() => this.#write(internal), wait);
    } else if (this.#type(true, internal)) {
      this.#said = { at: now, internal, active: true };
    }
  }

  #rest() {
    clearTimeout(this.#later);
    if (!this.#said.active) return;
    this.#type(false, this.#said.internal);
    this.#said.active = false;
  }

  #type(active, internal) {
    return feed.socket.tell("typing", { room: this.#room, active, visibility: internal ? "internal" : "public" });
  }

  #hear({ type, payload }) {
    if (payload?.room !== this.#room) return;
    if (type === "room.left") return void this.#lost();
    const { user, active } = payload;
    if (!user?.id || user.id === this.me.id) return;
    if (type === "viewing") {
      if (active) this.#keep(this.#looking, user.id, { name: user.name });
      else this.#looking.delete(user.id);
    } else if (type === "typing") {
      const until = Date.now() + (payload.ttl_ms ?? HOLDS_MS);
      if (active) this.#keep(this.#writing, user.id, { name: user.name, internal: payload.visibility === "internal", until });
      else this.#writing.delete(user.id);
    } else return;
    this.#draw();
  }

  #keep(people, id, one) {
    if (people.has(id) || people.size < PEOPLE_MAX) people.set(id, one);
  }

  /** Forgets who has stopped writing without a word, and looks again when the next one may have. */
  #expire() {
    clearTimeout(this.#timer);
    const now = Date.now();
    for (const [id, { until }] of this.#writing) if (until <= now) this.#writing.delete(id);
    const next = Math.min(...[...this.#writing.values()].map(({ until }) => until));
    if (Number.isFinite(next)) this.#timer = setTimeout(() => this.#draw(), next - now);
  }

  #draw() {
    this.#expire();
    const isStaff = (id) => directory.staff.some((one) => one.id === id);
    const of = (people, wanted) => [...people].filter(([id, one]) => isStaff(id) && wanted(id, one)).map(([, { name }]) => name);
    const groups = [
      [of(this.#writing, (id, { internal }) => !internal), "writing…"],
      [of(this.#writing, (id, { internal }) => internal), "writing an internal note…"],
      [of(this.#looking, (id) => !this.#writing.has(id)), "looking at this."],
    ].filter(([names]) => names.length);
    // A screen reader is told what changed, and nothing when nothing did.
    const shown = JSON.stringify(groups);
    if (shown === this.#shown) return;
    this.#shown = shown;
    fill(this.node, groups.map(([names, doing]) => h("span", {}, icon(doing.startsWith("looking") ? "eye" : "pen", 14), " ", listed(names), ` ${doing} `)));
  }
}

/** `Ada is`, `Ada and Ben are`, `Ada, Ben, Cleo and 2 others are`. */
function listed(names) {
  const parts = names.slice(0, NAMES_MAX).map((name) => h("bdi", {}, name));
  const others = names.length - parts.length;
  if (others) parts.push(others === 1 ? "1 other" : `${others} others`);
  const joined = parts.flatMap((part, at) => (at === 0 ? [part] : [at === parts.length - 1 ? " and " : ", ", part]));
  return [...joined, names.length === 1 ? " is" : " are"];
}
