// What may be done with a call now, as buttons: only what its state allows.

import { sentence } from "../api.js";
import { fill, h, icon, note, toast } from "../dom.js";
import { passOn } from "./pass-on.js";

/** The deeds that are possible, in the order of their buttons. */
export function possible(call) {
  const over = call.status === "ended";
  const isHad = call.parts.some((part) => !part.ended_at);
  const inbound = call.direction === "inbound";
  return [
    !over && !isHad && "answer",
    !over && isHad && call.status === "answered" && "hold",
    call.status === "on_hold" && "resume",
    !over && (call.answered_at || inbound) && "transfer",
    !over && "end",
  ].filter(Boolean);
}

const LOOKS = {
  answer: { words: "Answer", sign: "phone", look: "button-main", done: "You have the call" },
  hold: { words: "Hold", sign: "pause", done: "On hold" },
  resume: { words: "Resume", sign: "play", look: "button-main", done: "Back with the caller" },
  transfer: { words: "Pass on", sign: "pass" },
  end: { words: "End", sign: "hangup", look: "button-bad", done: "The call is over" },
};

/** The buttons of `one` call; `node` goes onto the page. `fits(deed)` may leave some out. */
export class Deeds {
  #shown = "";

  constructor(one, signal, fits = () => true) {
    this.one = one;
    this.fits = fits;
    this.trouble = h("div", { "aria-live": "polite" });
    this.row = h("div", { class: "row call-deeds", role: "group", "aria-label": "What to do with this call" });
    this.node = h("div", { class: "stack-s" }, this.row, this.trouble);
    one.addEventListener("changed", () => this.draw(), { signal });
    this.draw();
  }

  /** Draws the buttons; those that stay keep the focus, and one that goes gives it to its neighbour. */
  draw() {
    const { call } = this.one;
    const names = possible(call).filter(this.fits);
    const isOut = call.direction === "outbound";
    const mark = names.join() + isOut;
    this.node.hidden = names.length === 0;
    if (mark === this.#shown) return;
    this.#shown = mark;
    const had = this.row.contains(document.activeElement) ? document.activeElement.dataset.deed : null;
    fill(this.row, names.map((name) => {
      const { words, sign, look = "" } = LOOKS[name];
      return h("button", { type: "button", class: `button ${look}`, "data-deed": name, onclick: (event) => this.#do(name, event.currentTarget) },
        icon(sign, 16), name === "answer" && isOut ? "They answered" : words);
    }));
    if (had) (this.row.querySelector(`[data-deed="${had}"]`) ?? this.row.querySelector("button"))?.focus({ preventScroll: true });
  }

  async #do(name, button) {
    if (this.row.getAttribute("aria-busy")) return;
    if (name === "transfer") return passOn(this.one, () => this.#keepFocus());
    this.row.setAttribute("aria-busy", "true");
    button.setAttribute("aria-disabled", "true");
    try {
      await this.one.act(name);
      fill(this.trouble);
      toast(LOOKS[name].done);
    } catch (error) {
      // Somebody was quicker: what is true now is shown with the reason.
      this.one.ask();
      fill(this.trouble, note("bad", sentence(error), ...Object.values(error.fields ?? {})));
    } finally {
      this.row.removeAttribute("aria-busy");
      button.removeAttribute("aria-disabled");
      this.#keepFocus();
    }
    return undefined;
  }

  /** Where no deed is left, the focus goes to what can be done next to them. */
  #keepFocus() {
    const active = document.activeElement;
    if (active !== document.body && active?.checkVisibility()) return;
    const near = [...this.node.parentElement?.querySelectorAll("a[href], button, input, textarea") ?? []];
    near.find((node) => node.checkVisibility())?.focus({ preventScroll: true });
  }
}
