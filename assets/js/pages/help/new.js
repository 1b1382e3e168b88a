// A new request: what it is about, files with it, and articles that may answer it already.

import { api, newKey, query, sentence, upload } from "../../api.js";
import { fill, h, icon, note } from "../../dom.js";
import { bytes, dropZone, fileButton, FILES_MAX, refusal } from "../../files.js";
import { field, fieldError, input, onSubmit } from "../../form.js";
import { PRIORITIES } from "../../requests.js";

const SUGGEST_MS = 350;
const SUGGESTIONS = 3;
/** Fewer letters than this say nothing about a request. */
const SUGGEST_FROM = 4;

class NewRequest {
  #files = [];
  #key = newKey();

  constructor(root, { go, signal }) {
    this.go = go;
    this.signal = signal;
    const after = /^\d{1,15}$/.exec(new URLSearchParams(location.search).get("after") ?? "")?.[0];
    this.subject = input({ name: "subject", maxlength: "255", dir: "auto", value: after ? `Follow-up to #${after}: ` : "", placeholder: "In a few words" });
    this.description = h("textarea", { class: "input", name: "description", rows: "8", maxlength: "65536", dir: "auto", placeholder: "What happened, what did you expect, what have you tried?" });
    this.priority = h("select", { class: "input", name: "priority" }, PRIORITIES.map(([value, words]) => h("option", { value, selected: value === "normal" }, words)));
    this.staged = h("ul", { class: "files", "aria-label": "Files to send" });
    this.fileTrouble = h("div");
    this.maybe = h("div", { class: "maybe", role: "status" });
    const form = h("form", { class: "card card-pad request-form" },
      field("subject", "What is it about?", this.subject), this.maybe, field("description", "Tell us more", this.description), field("priority", "How urgent is it?", this.priority),
      h("div", { class: "stack" }, this.staged, this.fileTrouble, h("div", { class: "row" }, fileButton("Add files", (files) => this.#stage(files)), h("span", { class: "quiet small" }, "or drop them here"))),
      h("div", { "data-message": true }),
      h("div", { class: "row" }, h("button", { type: "submit", class: "button button-main" }, icon("send", 16), "Send request"), h("a", { class: "button button-plain", href: "/help" }, "Cancel")));
    this.place = h("div", { class: "stack" }, form);
    root.append(h("header", { class: "page-head" }, h("div", {}, h("p", { class: "crumb" }, h("a", { href: "/help" }, "My requests")), h("h1", {}, "New request"), h("p", {}, "Somebody will answer, and you will see it the moment they do."))), this.place);
    dropZone(form, (files) => this.#stage(files), signal);
    let timer = null;
    this.subject.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.#suggest(), SUGGEST_MS);
    });
    addEventListener("beforeunload", (event) => (this.description.value || this.#files.length) && !this.sent && event.preventDefault(), { signal });
    onSubmit(form, () => this.#send(form));
    this.#drawFiles();
  }

  /** Articles that may answer it; silence when there are none, or no answer. */
  async #suggest() {
    const q = this.subject.value.trim().slice(0, 100);
    if (q.length < SUGGEST_FROM) return fill(this.maybe);
    const { data } = await api.get(`/kb/public${query({ q })}`, { signal: this.signal }).catch(() => ({ data: [] }));
    if (q !== this.subject.value.trim().slice(0, 100)) return undefined;
    const found = (data ?? []).slice(0, SUGGESTIONS);
    return fill(this.maybe, found.length > 0 && [h("p", { class: "small" }, "Perhaps this helps right away:"),
      h("ul", {}, found.map(({ slug, title }) => h("li", {}, h("a", { href: `/help/articles/${slug}`, target: "_blank", dir: "auto" }, icon("book", 15), title))))]);
  }

  #stage(files) {
    const bad = files.filter((file) => refusal(file)).map((file) => `${file.name}: ${refusal(file)}`);
    const good = files.filter((file) => !refusal(file));
    const room = FILES_MAX - this.#files.length;
    if (good.length > room) bad.push(`At most ${FILES_MAX} files go with a request.`);
    this.#files.push(...good.slice(0, Math.max(0, room)));
    fill(this.fileTrouble, bad.length > 0 && note("bad", ...bad));
    this.#drawFiles();
  }

  #drawFiles() {
    this.staged.hidden = !this.#files.length;
    fill(this.staged, this.#files.map((file) => h("li", { class: "file" }, icon("clip", 15), h("bdi", { class: "file-name" }, file.name), h("span", { class: "quiet small nowrap" }, bytes(file.size)),
      h("button", { type: "button", class: "button button-s button-plain button-icon", "aria-label": `Leave out ${file.name}`, onclick: () => {
        this.#files = this.#files.filter((one) => one !== file);
        this.#drawFiles();
      } }, icon("close", 14)))));
  }

  async #send(form) {
    const missing = [[this.subject, "A few words, please"], [this.description, "Please describe it"]].filter(([control]) => !control.value.trim());
    for (const [control, words] of missing) fieldError(form, control.name, words);
    if (missing.length) return missing[0][0].focus();
    const body = { subject: this.subject.value.trim(), description: this.description.value, priority: this.priority.value };
    let ticket;
    try {
      ({ data: ticket } = await api.post("/tickets", body, { signal: this.signal, key: this.#key }));
    } catch (error) {
      // The same key with other words would be refused; without an answer the same words may come again.
      if (error.status) this.#key = newKey();
      throw error;
    }
    this.sent = true;
    const path = `/help/tickets/${ticket.number}`;
    if (!this.#files.length) return this.go(path);
    return this.#sendFiles(ticket, path);
  }

  /** The request is with us already; its files follow, and what did not arrive is said. */
  async #sendFiles(ticket, path) {
    const list = h("ul", { class: "files" });
    const foot = h("div");
    fill(this.place, h("section", { class: "card card-pad stack", role: "status" }, h("h2", { tabindex: "-1" }, `Your request #${ticket.number} is with us`), h("p", { class: "quiet" }, "Its files are on their way."), list, foot));
    this.place.querySelector("h2").focus();
    let lost = 0;
    for (const file of this.#files) {
      const bar = h("progress", { max: "1", value: 0, "aria-label": `Sending ${file.name}` });
      const row = h("li", { class: "file" }, icon("clip", 15), h("bdi", { class: "file-name" }, file.name), bar);
      list.append(row);
      try {
        await upload(`/tickets/${ticket.id}/attachments`, file, { signal: this.signal, key: newKey(), progress: (share) => { bar.value = share; } });
        bar.replaceWith(icon("check", 16));
      } catch (error) {
        if (this.signal.aborted) return undefined;
        lost += 1;
        bar.replaceWith(h("span", { class: "file-error", role: "alert" }, sentence(error)));
      }
    }
    if (!lost) return this.go(path);
    return fill(foot, note("warn", `${lost} of ${this.#files.length} files did not arrive. You can add them again on the request.`), h("p", {}, h("a", { class: "button button-main", href: path }, "Open the request")));
  }
}

export default { title: "New request", mount: (root, ctx) => void new NewRequest(root, ctx) };
