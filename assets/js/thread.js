// The conversation of a ticket: read once, then kept true by its events. For staff and customers.

import { api, query, sentence } from "./api.js";
import { Comment } from "./comment.js";
import { Composer } from "./composer.js";
import { empty, fill, h, note } from "./dom.js";
import { feed, listen, standing } from "./feed.js";
import { learn } from "./people.js";
import { Opening } from "./opening.js";

/** Comments of one request, and requests before somebody has to ask for more. */
const PAGE = 200;
const PAGES_MAX = 5;

/**
 * The conversation of an open {@link OneTicket}: put `node` on the page. `compose` is its form.
 *
 *     const one = new OneTicket(user, signal);
 *     await one.open(number);
 *     root.append(new Thread(one, signal).node);
 */
export class Thread {
  #comments = new Map();
  #early = [];
  #seen = new Set();
  #after = null;
  #ready = false;
  #whole = false;
  #hangs = "";

  /** Listens until `signal` aborts. */
  constructor(one, signal) {
    this.one = one;
    this.signal = signal;
    this.opening = new Opening(one, signal);
    this.list = h("ol", { class: "thread", "aria-label": "Conversation" }, this.opening.node);
    this.wait = h("div", {}, empty("One moment", "Reading the conversation…"));
    this.voice = h("p", { class: "visually-hidden", role: "status", "aria-live": "polite" });
    this.compose = new Composer({ one, signal, sent: (comment, files) => this.#sent(comment, files) });
    this.node = h("section", { class: "conversation", "aria-label": "Conversation" }, this.list, this.wait, this.compose.node, this.voice);
    listen((event) => this.#hear(event), signal);
    feed.addEventListener("resync", () => this.#begin(), { signal });
    one.addEventListener("changed", () => this.#redraw(), { signal });
    this.#begin();
  }

  /** Everything from the beginning; what is shown stays, and is mended by what is read. */
  async #begin() {
    this.#ready = false;
    this.#after = null;
    this.#seen.clear();
    try {
      await standing(this.signal);
      await Promise.all([this.opening.load(), this.#read()]);
      if (this.#whole) for (const [id, comment] of this.#comments) if (!this.#seen.has(id)) comment.bury();
    } catch (error) {
      this.#failed(error, () => this.#begin());
    }
    this.#ready = true;
    for (const event of this.#early.splice(0)) this.#hear(event);
  }

  async #read() {
    let more = true;
    for (let page = 0; more && page < PAGES_MAX; page += 1) {
      const asked = query({ limit: PAGE, after: this.#after });
      const { data, meta } = await api.get(`/tickets/${this.one.ticket.id}/comments${asked}`, { signal: this.signal });
      for (const comment of data ?? []) {
        this.#seen.add(comment.id);
        this.#put(comment);
      }
      this.#after = meta.after ?? null;
      more = Boolean(meta.more);
    }
    this.#whole = !more;
    const later = () => this.#read().catch((error) => this.#failed(error, later));
    fill(this.wait, more && h("button", { type: "button", class: "button", onclick: later }, "Show later comments"));
  }

  #failed(error, again) {
    if (this.signal.aborted) return;
    fill(this.wait, note("bad", sentence(error)), h("button", { type: "button", class: "button", onclick: again }, "Try again"));
  }

  /** Puts a comment in its place; says whether it was new. */
  #put(data) {
    const known = this.#comments.get(data.id);
    if (known) {
      known.put(data);
      return false;
    }
    learn(data.author_id, data.author_name);
    const comment = new Comment(data, { one: this.one, signal: this.signal });
    this.#comments.set(data.id, comment);
    // Almost always the last; an answer and an event may overtake each other.
    const later = [...this.list.children].findLast((node) => !(node.dataset.at > comment.node.dataset.at));
    later.after(comment.node);
    return true;
  }

  #sent(data, files) {
    this.#put(data);
    const comment = this.#comments.get(data.id);
    for (const file of files) comment.files.add(file);
    comment.node.scrollIntoView({ block: "nearest" });
    this.voice.textContent = data.visibility === "internal" ? "Your internal note was added." : "Your comment was sent.";
  }

  #redraw() {
    this.opening.draw();
    // What may be done with comments, and by whom, hangs on these alone.
    const { isClosed, isGone, ticket } = this.one;
    const hangs = `${isClosed} ${isGone} ${ticket.requester_id}`;
    if (hangs === this.#hangs) return;
    this.#hangs = hangs;
    for (const comment of this.#comments.values()) comment.draw();
  }

  #hear(event) {
    const { type, data } = event;
    const family = type.split(".")[0];
    if (family !== "comment" && family !== "attachment") return;
    if (!this.#ready) return void this.#early.push(event);
    if (family === "comment" && data.ticket_id === this.one.ticket.id) this.#hearComment(event);
    if (family === "attachment") this.#hearFile(type, data);
  }

  #hearComment({ type, data, actor }) {
    const known = this.#comments.get(data.id);
    if (type === "comment.deleted") return known?.bury(actor?.name);
    // What stands on a page that was not read yet will be read.
    if (!known && (!this.#whole || type !== "comment.created")) return undefined;
    if (this.#put(data) && data.author_id !== this.one.user.id) {
      this.#comments.get(data.id).node.classList.add("fresh");
      this.voice.textContent = `${data.visibility === "internal" ? "New internal note" : "New comment"} by ${data.author_name}`;
    }
    return undefined;
  }

  #hearFile(type, data) {
    const mine = data.parent_type === "ticket" && data.parent_id === this.one.ticket.id;
    const files = mine ? this.opening.files : this.#comments.get(data.parent_id)?.files;
    if (type === "attachment.deleted") files?.remove(data.id);
    else files?.put(data);
  }
}
