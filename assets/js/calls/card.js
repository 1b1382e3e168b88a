// The card of one call that concerns whoever is signed in, in the corner of every page.

import { fill, h, icon } from "../dom.js";
import { ticking } from "../time.js";
import { Deeds } from "./deeds.js";
import { Known, numberLine } from "./known.js";
import { roleOf, writesUntil } from "./one-call.js";
import { otherSide, standingBadge } from "./words.js";
import { WriteUp } from "./write-up.js";

/** What stands above a card, by what the call is to its reader. */
const TITLES = { rings: "Rings for you", calls: "You are calling", has: "You are talking", writes: "Write it up", late: "Not saved yet" };

let serial = 0;

/** What is written up late is a role of its own: the call is over for everybody but its writer. */
export const roleHere = (one, write) => roleOf(one.call, one.user) ?? (write?.isDirty ? "late" : null);

/** One card; `node` goes into the corner. `gone()` is called when it has no more to say. */
export class Card {
  #role = null;
  #folded = false;

  constructor(one, signal, gone) {
    this.one = one;
    serial += 1;
    this.name = h("h2", { id: `call-card-${serial}`, tabindex: "-1" });
    this.title = h("p", { class: "pop-title" });
    this.line = h("p", { class: "small quiet" });
    this.link = h("a", { class: "small", href: `/admin/calls/${one.id}` }, "All about this call");
    this.known = new Known(one, signal, { isNamed: true });
    // Whoever only sees it ring does not hang up on the caller by a slip.
    this.deeds = new Deeds(one, signal, (deed) => deed !== "end" || roleOf(one.call, one.user) !== "rings");
    this.write = new WriteUp(one, signal, gone);
    this.trouble = h("div", { "aria-live": "polite" });
    this.body = h("div", { class: "pop-body", id: `call-body-${serial}` }, this.deeds.node, this.known.node, this.write.node, this.trouble, this.link);
    this.fold = h("button", { type: "button", class: "button button-plain button-icon", "aria-expanded": "true", "aria-controls": this.body.id, onclick: () => this.setFolded(!this.#folded) }, icon("turn", 16));
    this.drop = h("button", { type: "button", class: "button button-s button-plain", hidden: true, onclick: () => gone({ forget: true }) }, "Throw away");
    this.node = h("article", { class: "pop", "aria-labelledby": this.name.id },
      h("header", { class: "pop-head" }, h("span", { class: "sign hue-call" }, icon("phone", 18)), h("div", { class: "pop-words" }, this.title, this.name, this.line), this.fold), this.body);
    this.body.append(this.drop);
    one.addEventListener("changed", () => this.draw(), { signal });
    one.addEventListener("trouble", ({ detail }) => fill(this.trouble, detail && h("p", { class: "error small" }, "This may be out of date: the server does not answer.")), { signal });
    this.draw();
  }

  /** What the call is to its reader, as shown. */
  get role() {
    return this.#role;
  }

  /** Leaves only the head of it, or shows all. */
  setFolded(folded) {
    this.#folded = folded;
    this.body.hidden = folded;
    this.fold.setAttribute("aria-expanded", String(!folded));
    this.fold.setAttribute("aria-label", folded ? "Show the whole card" : "Fold the card");
    this.node.classList.toggle("folded", folded);
  }

  /** The first thing to do on it takes the focus. */
  focus() {
    this.setFolded(false);
    (this.deeds.node.querySelector("button") ?? this.write.node.querySelector("input")).focus();
  }

  draw() {
    const { call, user } = this.one;
    const role = roleHere(this.one, this.write);
    fill(this.name, h("bdi", {}, otherSide(call)));
    fill(this.line, numberLine(call));
    const since = { rings: call.ringing_at ?? call.started_at, calls: call.started_at, has: call.held_since ?? call.answered_at }[role];
    const state = role === "has" && (call.status !== "answered" || call.waiting_since) && standingBadge(call);
    fill(this.title, h("span", {}, TITLES[role] ?? ""), since && h("span", { class: "pop-time" }, ticking(since)), state,
      role === "writes" && h("span", { class: "pop-time" }, ticking(writesUntil(call, user), { down: true })));
    this.link.hidden = role === "rings";
    this.deeds.node.hidden ||= role === "writes" || role === "late";
    this.write.node.hidden = role === "rings" || role === "calls";
    this.drop.hidden = role !== "late";
    if (role === this.#role) return;
    this.#role = role;
    this.node.dataset.role = role ?? "";
    this.setFolded(this.#folded);
  }
}
