// How a ticket began: its description and its own files, the first entry of the conversation.

import { deed, Entry, textEditor } from "./entry.js";
import { fill, h, note } from "./dom.js";
import { fileButton, Files, FILES_MAX, refusal } from "./files.js";
import { Conflict } from "./one-ticket.js";
import { may } from "./pages/index.js";
import { nameOf, people } from "./people.js";
import { prose } from "./prose.js";

/** The first entry; `files` are the files of the ticket itself. */
export class Opening extends Entry {
  #editor = null;

  constructor(one, signal) {
    super({ at: "", className: "entry-opening" });
    this.one = one;
    this.signal = signal;
    this.files = new Files(`/tickets/${one.ticket.id}`, { signal, mayDelete: (file) => this.#mayChange(file.uploaded_by) });
    this.trouble = h("div");
    this.add = h("div", { class: "row" }, fileButton("Add files to the ticket", (files) => this.#add(files)));
    fill(this.foot, this.files.node, this.trouble, this.add);
    people.addEventListener("learned", () => this.#editor || this.draw(), { signal });
    this.draw();
  }

  /** Reads its files. */
  load() {
    return this.files.load();
  }

  #mayChange(owner) {
    const { user, isGone, isClosed } = this.one;
    if (isGone) return false;
    return may(user, "supervisor") || (owner === user.id && (may(user, "agent") || !isClosed));
  }

  /** Staff correct any description, customers their own while the ticket is not closed. */
  #mayEdit() {
    const { user, ticket, isGone, isClosed } = this.one;
    return !isGone && !ticket.merged_into_id && (may(user, "agent") || (ticket.requester_id === user.id && !isClosed));
  }

  draw() {
    const { ticket, user, isClosed, isGone } = this.one;
    const author = ticket.created_by ?? ticket.requester_id;
    const other = ticket.created_by && ticket.created_by !== ticket.requester_id;
    this.drawHead({
      name: author === user.id ? user.name : nameOf(author),
      at: ticket.created_at,
      marks: [h("span", { class: "quiet small" }, other ? ["opened this for ", h("bdi", {}, nameOf(ticket.requester_id))] : "opened this")],
      deeds: this.#mayEdit() && [deed("pen", "Edit", "Edit the description", () => this.#edit())],
    });
    this.files.draw();
    this.add.hidden = isGone || Boolean(ticket.merged_into_id) || (isClosed && !may(user, "agent"));
    if (this.#editor) return;
    fill(this.body, ticket.description.trim() ? prose(ticket.description) : h("p", { class: "quiet" }, "No description."));
  }

  #add(files) {
    const bad = files.filter((file) => refusal(file)).map((file) => `${file.name}: ${refusal(file)}`);
    const good = files.filter((file) => !refusal(file));
    const room = Math.max(0, FILES_MAX - this.files.count);
    if (good.length > room) bad.push(`A ticket takes at most ${FILES_MAX} files.`);
    fill(this.trouble, bad.length > 0 && note("bad", ...bad));
    for (const file of good.slice(0, room)) this.files.add(file);
  }

  #edit() {
    if (this.#editor) return this.#editor.focus();
    let anyway = false;
    const done = () => {
      this.#editor = null;
      this.draw();
      this.head.querySelector("button")?.focus();
    };
    this.#editor = textEditor({
      label: "Description", name: "description", text: this.one.ticket.description, done,
      save: async (description) => {
        try {
          await this.one.change({ description }, { anyway });
        } catch (error) {
          if (!(error instanceof Conflict)) throw error;
          anyway = true;
          this.#editor.newer(error.theirs.description);
          throw Object.assign(error, { handled: true });
        }
      },
    });
    fill(this.body, this.#editor.form);
    this.#editor.focus();
    return undefined;
  }
}
