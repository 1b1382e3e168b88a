// Where a call is written up: what it was about in a word, and what is to be remembered.

import { fill, h, icon, toast } from "../dom.js";
import { field, input, onSubmit } from "../form.js";
import { ticking } from "../time.js";
import { keepNote, noteOf } from "./notes.js";
import { roleOf, writesUntil } from "./one-call.js";

/** What calls are often about; any other word will do. */
const OFTEN = ["Solved", "Ticket opened", "Call back", "Information given", "Wrong number", "Voicemail"];

let serial = 0;

/** The form for `one` call; `node` goes onto the page. `done()` is called when it was sent. */
export class WriteUp {
  constructor(one, signal, done = () => {}) {
    this.one = one;
    serial += 1;
    const list = `dispositions-${serial}`;
    this.about = input({ maxlength: "128", autocomplete: "off", dir: "auto", list });
    this.note = h("textarea", { class: "input", rows: "3", maxlength: "16384", dir: "auto" });
    this.says = h("p", { class: "small quiet write-up-time" });
    this.button = h("button", { type: "submit", class: "button button-main" });
    this.node = h("form", { class: "write-up" }, h("div", { "data-message": true }),
      field("disposition", "What it was about", this.about), h("datalist", { id: list }, OFTEN.map((words) => h("option", { value: words }))),
      field("note", "Note", this.note),
      h("div", { class: "row" }, this.says, this.button));
    this.node.addEventListener("input", () => this.#keep());
    onSubmit(this.node, async () => {
      await one.act("wrapup", this.#changes());
      keepNote(one.id, null);
      this.#fill();
      toast("Written up");
      done();
    });
    this.#fill();
    one.addEventListener("changed", () => this.draw(), { signal });
    this.draw();
  }

  /** Whether there are words that nobody else has seen. */
  get isDirty() {
    return noteOf(this.one.id) !== undefined;
  }

  #words() {
    return { disposition: this.one.call.disposition ?? "", note: this.one.call.note ?? "" };
  }

  /** What is left out stays as it is. */
  #changes() {
    const [known, about] = [this.#words(), this.about.value.trim()];
    return { ...(about !== known.disposition && { disposition: about }), ...(this.note.value !== known.note && { note: this.note.value }) };
  }

  #keep() {
    const written = { disposition: this.about.value, note: this.note.value };
    const known = this.#words();
    keepNote(this.one.id, written.disposition === known.disposition && written.note === known.note ? null : written);
    this.draw();
  }

  #fill() {
    const { disposition, note } = noteOf(this.one.id) ?? this.#words();
    // The cursor of whoever is writing stays where it is.
    if (this.about.value !== disposition) this.about.value = disposition;
    if (this.note.value !== note) this.note.value = note;
  }

  /** Says how long there is for it, and what the button does. */
  draw() {
    const { call, user } = this.one;
    if (!this.isDirty) this.#fill();
    const role = roleOf(call, user);
    const state = role === "has" || role === "calls" ? "talks" : role === "writes" ? "writes" : "late";
    this.button.hidden = state === "talks";
    this.says.hidden = state === "late" && !this.isDirty;
    const mark = [state, state === "writes" && writesUntil(call, user), this.isDirty].join();
    if (mark === this.shown) return;
    this.shown = mark;
    fill(this.button, icon("check", 16), state === "writes" ? "Done" : "Save");
    fill(this.says, state === "talks" ? "Kept here until the call is over."
      : state === "writes" ? [icon("clock", 15), h("span", {}, ticking(writesUntil(call, user), { down: true }), " to write it up")]
        : "The time for it is over, but it can still be saved.");
  }
}
