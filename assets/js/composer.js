// Where a comment is written: to everybody on the ticket or, plainly different, to staff only.

import { api, newKey } from "./api.js";
import { dropZone, fileButton, Staged } from "./files.js";
import { fill, h, icon, note } from "./dom.js";
import { onSubmit } from "./form.js";
import { may } from "./pages/index.js";
import { people } from "./people.js";

/** What was written and not sent, by ticket; kept while the page lives, until its writer leaves. */
const drafts = new Map();
const DRAFTS_MAX = 50;

people.addEventListener("forgotten", ({ detail }) => detail.left && drafts.clear());

function draftOf(id) {
  const draft = drafts.get(id) ?? { body: "", internal: false, markdown: false, files: [] };
  drafts.delete(id);
  drafts.set(id, draft);
  for (const old of [...drafts.keys()].slice(0, -DRAFTS_MAX)) drafts.delete(old);
  return draft;
}

let serial = 0;

/** The form under a conversation. `sent(comment, files)` gets what was said and what goes with it. */
export class Composer {
  constructor({ one, sent, signal }) {
    this.one = one;
    this.sent = sent;
    this.signal = signal;
    this.isStaff = may(one.user, "agent");
    this.draft = draftOf(one.ticket.id);
    this.once = { body: "", key: "" };
    serial += 1;
    this.id = `composer-${serial}`;
    this.node = h("div");
    this.form = this.#form();
    this.#drawMode();
    this.update();
    one.addEventListener("changed", () => this.update(), { signal });
  }

  /** Puts words where the answer is written, for example those of a macro. */
  suggest(text) {
    if (!text) return;
    this.draft.body = this.draft.body.trim() ? `${this.draft.body.trimEnd()}\n\n${text}` : text;
    this.area.value = this.draft.body;
    this.#grow();
    this.area.focus();
  }

  /** The form, or why there is none. */
  update() {
    const { ticket, isClosed, isGone } = this.one;
    let why = null;
    if (isGone) why = "This ticket was deleted. It takes no comments.";
    else if (ticket.merged_into_id) why = "This ticket was merged into another one. The conversation goes on there.";
    else if (isClosed && this.isStaff) why = "This ticket is closed. Reopen it to comment.";
    else if (isClosed) why = "This request is closed. Open a new one if there is more to say.";
    if (why === this.why && this.node.childElementCount) return;
    this.why = why;
    fill(this.node, why ? note("info", why) : this.form);
  }

  #form() {
    this.area = h("textarea", {
      class: "input composer-text", id: `${this.id}-text`, name: "body", rows: "4", maxlength: "65536", dir: "auto", value: this.draft.body,
      "aria-describedby": `${this.id}-for`,
    });
    this.label = h("label", { for: this.area.id, class: "visually-hidden" });
    this.words = h("p", { class: "composer-for", id: `${this.id}-for` });
    this.staged = new Staged({ files: this.draft.files, thing: "comment", back: () => this.area.focus(), refused: (wrong) => this.#says(wrong) });
    this.button = h("button", { type: "submit", class: "button button-main" });
    const markdown = h("input", { type: "checkbox", checked: this.draft.markdown, onchange: () => { this.draft.markdown = markdown.checked; } });
    const form = h("form", { class: "composer card" },
      this.isStaff && this.#choice(),
      this.words,
      h("div", { class: "field", "data-field": "body" }, this.label, this.area),
      this.staged.node, h("div", { "data-message": true }),
      h("div", { class: "row" }, fileButton("Add files", (files) => this.staged.add(files)),
        h("label", { class: "check small", title: "**bold**, *italic*, `code`, lists, quotes" }, markdown, "Markdown"),
        h("span", { class: "quiet small push composer-hint" }, "Ctrl + Enter sends"), this.button));
    this.area.addEventListener("input", () => { this.draft.body = this.area.value; this.#grow(); });
    this.area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    this.area.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length) this.staged.add(files);
    });
    dropZone(form, (files) => this.staged.add(files), this.signal);
    onSubmit(form, () => this.#send());
    queueMicrotask(() => this.#grow());
    return form;
  }

  #choice() {
    const radio = (internal, name, sign) => {
      const input = h("input", { type: "radio", name: `${this.id}-who`, checked: this.draft.internal === internal, onchange: () => { this.draft.internal = internal; this.#drawMode(); } });
      return h("label", { class: `choice composer-choice${internal ? " composer-internal" : ""}` }, input, h("span", {}, icon(sign, 16), name));
    };
    return h("fieldset", {}, h("legend", { class: "visually-hidden" }, "Who may read it"),
      h("div", { class: "choices" }, radio(false, "Public reply", "talk"), radio(true, "Internal note", "lock")));
  }

  #drawMode() {
    const internal = this.isStaff && this.draft.internal;
    this.form.classList.toggle("is-internal", internal);
    const words = internal ? "Internal note" : this.isStaff ? "Public reply" : "Your message";
    this.label.textContent = words;
    this.area.placeholder = internal ? "For colleagues only…" : this.isStaff ? "Write to the customer…" : "Write a message…";
    fill(this.words, internal ? [icon("lock", 15), "Only staff will see this."] : this.isStaff ? [icon("talk", 15), "The customer will see this."] : []);
    this.words.hidden = !this.isStaff;
    fill(this.button, icon(internal ? "lock" : "send", 16), internal ? "Add internal note" : this.isStaff ? "Send reply" : "Send");
  }

  #grow() {
    this.area.rows = Math.min(18, Math.max(4, this.area.value.split("\n").length + 1));
  }

  #says(lines) {
    fill(this.form.querySelector("[data-message]"), lines.length > 0 && note("bad", ...lines));
  }

  async #send() {
    const { draft } = this;
    const words = { body: draft.body, format: draft.markdown ? "markdown" : "text" };
    if (this.isStaff) words.visibility = draft.internal ? "internal" : "public";
    if (!draft.body.trim()) {
      const why = draft.files.length ? "Write a few words to go with the files." : "There is nothing to send yet.";
      this.#says([why]);
      return this.area.focus();
    }
    // Sent again after a lost answer, the same words are the same comment.
    const body = JSON.stringify(words);
    if (this.once.body !== body) this.once = { body, key: newKey() };
    const { data } = await api.post(`/tickets/${this.one.ticket.id}/comments`, words, { key: this.once.key });
    this.once = { body: "", key: "" };
    const files = this.staged.take();
    // Who went on writing meanwhile keeps that.
    if (draft.body === words.body) draft.body = "";
    this.area.value = draft.body;
    this.#grow();
    this.area.focus();
    this.sent(data, files);
    return undefined;
  }
}
