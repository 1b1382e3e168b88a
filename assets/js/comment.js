// One comment or internal note in a conversation: shown, edited and deleted where it stands.

import { api, ApiError, sentence } from "./api.js";
import { ask } from "./dialog.js";
import { deed, Entry, textEditor } from "./entry.js";
import { fill, h, icon, note } from "./dom.js";
import { Files } from "./files.js";
import { may } from "./pages/index.js";
import { prose } from "./prose.js";

/** A comment on the page; `node` is its place, `files` are its files. */
export class Comment extends Entry {
  #editor = null;
  #buried = false;

  constructor(data, { one, signal }) {
    const internal = data.visibility === "internal";
    super({ at: `${data.created_at} ${data.id}`, className: internal ? "entry-internal" : "" });
    this.data = data;
    this.one = one;
    this.signal = signal;
    this.internal = internal;
    this.files = new Files(`/comments/${data.id}`, { signal, mayDelete: (file) => this.#mayChange(file.uploaded_by) });
    this.trouble = h("div");
    fill(this.foot, this.files.node, this.trouble);
    this.draw();
    if (data.attachments?.length) this.files.load().catch((error) => !signal.aborted && fill(this.trouble, note("bad", sentence(error))));
  }

  /** Takes a newer state; an older one changes nothing. */
  put(data) {
    if (this.#buried || data.version <= this.data.version) return;
    const other = data.body !== this.data.body;
    this.data = data;
    this.draw();
    if (this.#editor && other) this.#editor.newer(data.body);
  }

  /** It was deleted; says so where it stood. */
  bury(by = "") {
    if (this.#buried) return;
    this.#buried = true;
    this.node.classList.add("entry-gone");
    fill(this.face);
    fill(this.box, h("p", { class: "quiet small" }, this.internal ? "An internal note by " : "A comment by ", h("bdi", {}, this.data.author_name), " was deleted", by && [" by ", h("bdi", {}, by)], "."));
  }

  /** Supervisors change anything; others what is theirs, and customers only while the ticket is not closed. */
  #mayChange(author) {
    const { user } = this.one;
    if (this.one.isGone) return false;
    return may(user, "supervisor") || (author === user.id && (may(user, "agent") || !this.one.isClosed));
  }

  draw() {
    if (this.#buried) return;
    const { data } = this;
    const { user, ticket } = this.one;
    const theirs = data.author_id === ticket.requester_id && data.author_id !== user.id;
    const thing = this.internal ? "internal note" : "comment";
    this.drawHead({
      name: data.author_name,
      at: data.created_at,
      marks: [
        this.internal && h("span", { class: "internal-mark" }, icon("lock", 14), "Internal note"),
        data.author_id === user.id && h("span", { class: "quiet small" }, "you"),
        theirs && may(user, "agent") && h("span", { class: "quiet small" }, "requester"),
        data.edited_at && h("span", { class: "quiet small", title: new Date(data.edited_at).toLocaleString() }, "edited"),
      ],
      deeds: this.#mayChange(data.author_id) && [
        deed("pen", "Edit", `Edit this ${thing}`, () => this.#edit()),
        deed("bin", "Delete", `Delete this ${thing}`, () => this.#delete(thing)),
      ],
    });
    this.files.draw();
    if (!this.#editor) fill(this.body, prose(data.body, data.format));
  }

  #edit() {
    if (this.#editor) return this.#editor.focus();
    this.#editor = textEditor({
      label: this.internal ? "Internal note" : "Comment", name: "body", text: this.data.body,
      save: (body) => this.#save(body),
      done: () => {
        this.#editor = null;
        this.draw();
        this.head.querySelector("button")?.focus();
      },
    });
    fill(this.body, this.#editor.form);
    return this.#editor.focus();
  }

  async #save(body) {
    const path = `/comments/${this.data.id}`;
    try {
      this.put((await api.patch(path, { body, version: this.data.version }, { signal: this.signal })).data);
    } catch (error) {
      if (error instanceof ApiError && error.code === "version_conflict") this.put((await api.get(path, { signal: this.signal })).data);
      throw error;
    }
  }

  async #delete(thing) {
    if (!(await ask({ title: `Delete this ${thing}?`, words: "Its words and files will be gone for everybody.", yes: `Delete ${thing}` }))) return;
    try {
      await api.delete(`/comments/${this.data.id}`, { signal: this.signal });
      this.bury(this.one.user.name);
    } catch (error) {
      if (error.status === 404) this.bury();
      else if (!this.signal.aborted) fill(this.trouble, note("bad", sentence(error)));
    }
  }
}
