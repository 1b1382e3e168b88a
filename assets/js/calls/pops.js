// Calls that concern whoever is signed in, as cards in the corner of every page: what rings at their
// telephone, what they have, what they write up. They take no focus; Alt+C goes to them and back.

import { api, query } from "../api.js";
import { feed, listen, standing } from "../feed.js";
import { fill, h } from "../dom.js";
import { markTitle } from "../title.js";
import { Card } from "./card.js";
import { findNotes, keepNote, noteOf } from "./notes.js";
import { OneCall, roleOf } from "./one-call.js";
import { otherSide, RUNNING } from "./words.js";

/** Cards at a time; of more than that the list of calls tells. */
const CARDS_MAX = 3;

/** Calls that are one's own or ring for one, read at the start. */
const READ_MAX = 25;

/** What is said by a screen reader when a call becomes this to its reader. */
const SAID = {
  rings: (call) => `Call from ${otherSide(call)}${call.queue ? ` in ${call.queue}` : ""} rings for you. Alt C goes to it.`,
  calls: (call) => `Calling ${otherSide(call)}.`,
  has: (call) => `You are talking with ${otherSide(call)}.`,
  writes: (call) => `Your part of the call with ${otherSide(call)} is over. There is time to write it up.`,
  late: (call) => `What you wrote about the call with ${otherSide(call)} is not saved yet.`,
};

class Pops {
  /** By call: `{one, card, life}`; `card` is null while the call is of no concern. */
  #calls = new Map();
  #back = null;
  #isRead = false;

  constructor(user, signal) {
    this.user = user;
    this.signal = signal;
    this.list = h("div", { class: "pop-list" });
    this.more = h("a", { class: "pop-more", href: "/admin/calls?agent=me", hidden: true });
    this.box = h("section", { class: "pops", "aria-label": "Your calls", "aria-keyshortcuts": "Alt+C", hidden: true }, this.list, this.more);
    // Both are there before they say something, or they would not be heard. What rings may interrupt.
    this.alarm = h("p", { class: "visually-hidden", role: "alert" });
    this.voice = h("p", { class: "visually-hidden", role: "status" });
    this.node = h("div", {}, this.box, this.alarm, this.voice);
    listen((event) => this.#hear(event), signal);
    feed.addEventListener("resync", () => this.#read(), { signal });
    feed.socket.addEventListener("state", ({ detail }) => detail.state === "live" && !this.#isRead && this.#read(), { signal });
    addEventListener("keydown", (event) => this.#key(event), { signal });
    signal.addEventListener("abort", () => {
      markTitle("");
      document.body.classList.remove("has-pops");
      this.node.remove();
    });
    this.#read();
  }

  /** The page shows this path: a call that has a page of its own there needs no card beside it. */
  moved(path) {
    this.path = path;
    this.#arrange();
  }

  /** What concerns us now: after a reload, or when the log could not be followed. */
  async #read() {
    try {
      await standing(this.signal);
      const [mine, state] = await Promise.all([
        api.get(`/calls${query({ agent: "me", state: RUNNING.join(","), per_page: READ_MAX })}`, { signal: this.signal }),
        api.get("/agent-state/me", { signal: this.signal }),
      ]);
      const ids = [...findNotes(this.user), state.data?.call_id, ...(mine.data ?? []).map(({ id }) => id)];
      this.#isRead = true;
      for (const id of new Set(ids)) if (id) this.#track(id);
    } catch {
      // Tried again once the server is back, which the frame of the page tells.
      this.#isRead = false;
    }
  }

  #hear({ type, data }) {
    if (!type.startsWith("call.") || !data?.id) return;
    const { user } = this;
    if (![data.agent_id, data.from_agent_id, data.to_agent_id].includes(user.id)) return;
    if (!this.#calls.has(data.id)) this.#track(data.id, type === "call.ringing" ? data : null);
  }

  #track(id, told = null) {
    const known = this.#calls.get(id);
    if (known) return known.one.ask();
    const life = new AbortController();
    this.signal.addEventListener("abort", () => life.abort(), { signal: life.signal });
    const one = new OneCall(id, this.user, life.signal);
    const place = { one, card: null, life, role: null };
    this.#calls.set(id, place);
    one.addEventListener("changed", () => this.#judge(place), { signal: life.signal });
    // Until all is read, what the event said is shown: a telephone rings only for so long.
    if (told) {
      one.expect(told);
      this.#judge(place);
    }
    return one.ask();
  }

  #forget({ one, life, card }) {
    if (card?.node.contains(document.activeElement)) this.#giveBack();
    life.abort();
    card?.node.remove();
    this.#calls.delete(one.id);
  }

  /** What the call is to us now: it gets its card, keeps it or loses it. */
  #judge(place) {
    const { one } = place;
    if (!place.card && (roleOf(one.call, this.user) || noteOf(one.id))) place.card = this.#card(place);
    place.card?.draw();
    const role = place.card?.role ?? null;
    if (role !== place.role && role) this.#say(role, one.call);
    if (!role && place.role === "rings") this.voice.textContent = `The call from ${otherSide(one.call)} does not ring for you any more.`;
    place.role = role;
    if (!role) this.#forget(place);
    this.#arrange();
  }

  #card(place) {
    const { one } = place;
    return new Card(one, place.life.signal, ({ forget = false } = {}) => {
      if (forget) keepNote(one.id, null);
      if (!roleOf(one.call, this.user)) this.#forget(place);
      this.#arrange();
    });
  }

  #say(role, call) {
    const region = role === "rings" ? this.alarm : this.voice;
    region.textContent = SAID[role](call);
  }

  /** What one has stands above what rings, and that above what is to be written. */
  #arrange() {
    const order = ["has", "calls", "rings", "writes", "late"];
    const all = [...this.#calls.values()].filter(({ one, card }) => card && this.path !== `/admin/calls/${one.id}`)
      .sort((a, b) => order.indexOf(a.role) - order.indexOf(b.role));
    const shown = all.slice(0, CARDS_MAX).map(({ card }) => card.node);
    // A node that is moved would lose the focus.
    if (shown.some((node, i) => this.list.children[i] !== node) || this.list.childElementCount !== shown.length) {
      const had = document.activeElement;
      fill(this.list, shown);
      if (had?.isConnected && had !== document.activeElement) had.focus({ preventScroll: true });
    }
    const rest = all.length - shown.length;
    this.more.hidden = rest <= 0;
    fill(this.more, rest === 1 ? "One more call" : `${rest} more calls`);
    this.box.hidden = all.length === 0;
    document.body.classList.toggle("has-pops", all.length > 0);
    const rings = all.find(({ role }) => role === "rings");
    markTitle(rings ? `☎ ${otherSide(rings.one.call)}` : "");
  }

  #key(event) {
    if (event.code !== "KeyC" || !event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.getModifierState("AltGraph")) return;
    if (this.box.hidden || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    if (this.box.contains(document.activeElement)) return this.#giveBack();
    this.#back = document.activeElement;
    const places = [...this.#calls.values()].filter(({ card }) => card?.node.isConnected);
    (places.find(({ role }) => role === "rings") ?? places[0])?.card.focus();
    return undefined;
  }

  /** The focus goes back to where it was when the cards were gone to. */
  #giveBack() {
    const to = this.#back?.isConnected && this.#back !== document.body ? this.#back : document.getElementById("main");
    this.#back = null;
    to?.focus({ preventScroll: true });
  }
}

/** The cards of `user` until `signal` aborts: `{node, moved(path)}`. */
export const openPops = (user, signal) => new Pops(user, signal);
