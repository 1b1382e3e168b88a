// What stands in a conversation: a person, a time, words, files and what may be done with them.

import { ApiError } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { field, onSubmit, showMessage } from "./form.js";
import { avatar } from "./people.js";
import { moment } from "./time.js";

/** The frame of an entry: an `<li>` with places for its parts. */
export class Entry {
  constructor({ at, className = "" }) {
    this.head = h("div", { class: "entry-head" });
    this.body = h("div", { class: "entry-body" });
    this.face = h("div", { class: "entry-face" });
    this.foot = h("div", { class: "entry-foot" });
    this.box = h("article", { class: "entry-box" }, this.head, this.body, this.foot);
    this.node = h("li", { class: `entry ${className}`, "data-at": at }, this.face, this.box);
  }

  /** Who and when; `marks` are badges, `deeds` buttons. */
  drawHead({ name, at, marks = [], deeds = [] }) {
    fill(this.face, avatar(name));
    fill(this.head, h("b", {}, h("bdi", {}, name)), marks, h("span", { class: "quiet small" }, moment(at)),
      h("span", { class: "entry-deeds" }, deeds));
  }
}

/** A small button in the head of an entry. */
export function deed(sign, words, title, onclick) {
  return h("button", { type: "button", class: "button button-s button-plain button-icon", "aria-label": title, title: words, onclick }, icon(sign, 15));
}

/**
 * A form in place of a text. `save(text)` is awaited; `done()` is called when the form is to go.
 * `newer(text)` may be called on what it returns when somebody else changed the text meanwhile.
 */
export function textEditor({ label, name, text, save, done }) {
  const area = h("textarea", { class: "input", rows: String(Math.min(16, Math.max(3, text.split("\n").length + 1))), maxlength: "65536", dir: "auto", value: text });
  const form = h("form", { class: "entry-edit" }, field(name, label, area), h("div", { "data-message": true }),
    h("div", { class: "row" }, h("button", { type: "submit", class: "button button-main button-s" }, "Save"),
      h("button", { type: "button", class: "button button-s", onclick: done }, "Cancel")));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      done();
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  const newer = (now) => showMessage(form, "warn", "Somebody changed this text meanwhile. It now says:", h("blockquote", { class: "newer" }, now), "Saving replaces it with yours.");
  onSubmit(form, async () => {
    try {
      await save(area.value);
    } catch (error) {
      // Whoever saves has asked for the newer text already.
      if (error.handled || (error instanceof ApiError && error.code === "version_conflict")) return;
      throw error;
    }
    done();
  });
  return { form, newer, focus: () => area.focus() };
}
