// One chat: what is said in it, who writes, how far it was read. Read once, then kept true by its
// events, with a form to write in. For staff and for customers.

import { api, newKey, sentence } from "./api.js";
import { ChatMessage } from "./chat-message.js";
import { fill, h, note } from "./dom.js";
import { feed, listen, standing } from "./feed.js";
import { dropZone, fileButton, Staged } from "./files.js";
import { Keyed } from "./keyed.js";

/** Messages read at once. */
const PAGE = 50;
/** Who writes says so again while they do; it is true for six seconds. */
const TYPING_AGAIN_MS = 3_000;
const TYPING_MS = 6_000;
const READ_AFTER_MS = 400;

/** Dispatches `changed` when the chat itself changed; `node` is to be put on the page. */
export class ChatRoom extends EventTarget {
  /** A {@link ChatMessage} by its number. */
  #messages = new Map();
  #early = [];
  #ready = false;
  #typedAt = 0;
  #typing = null;
  #reading = null;
  #read = 0;
  #seen = 0;

  /** Listens until `signal` aborts. */
  constructor(id, user, signal) {
    super();
    this.id = id;
    this.user = user;
    this.signal = signal;
    this.chat = null;
    this.trouble = h("div");
    this.earlier = h("button", { type: "button", class: "button button-plain", hidden: true, onclick: () => this.#earlier() }, "Show earlier messages");
    this.list = h("div", { class: "chat-log", role: "log", "aria-live": "polite", "aria-label": "Messages", tabindex: "0" });
    // Every message draws itself: a text that is being edited stays while others come.
    this.rows = new Keyed(this.list, (one) => one.node, { key: (one) => one.data.number, mark: () => 0 });
    this.says = h("p", { class: "chat-says small", role: "status" });
    this.text = h("textarea", { class: "input", rows: "2", "aria-label": "Message", placeholder: "Write a message", oninput: () => this.#type(), onkeydown: (event) => this.#enter(event) });
    this.button = h("button", { type: "submit", class: "button button-main" }, "Send");
    this.staged = new Staged({ thing: "message", back: () => this.text.focus(), refused: (wrong) => fill(this.trouble, wrong.length > 0 && note("bad", ...wrong)) });
    this.form = h("form", { class: "chat-form", onsubmit: (event) => { event.preventDefault(); this.#say(); }, onpaste: (event) => this.#paste(event) },
      this.text, this.button, h("div", { class: "row chat-files" }, fileButton("Add files", (files) => this.staged.add(files)), this.staged.node));
    dropZone(this.form, (files) => this.staged.add(files), signal);
    this.node = h("div", { class: "stack" }, this.earlier, this.list, this.says, this.trouble, this.form);
    listen((event) => this.#hear(event), signal);
    feed.addEventListener("resync", () => this.#begin(), { signal });
    feed.socket.addEventListener("sign", ({ detail }) => this.#sign(detail), { signal });
    document.addEventListener("visibilitychange", () => this.#look(), { signal });
  }

  /** Reads the chat; throws where there is none. */
  async open() {
    await this.#begin();
    feed.socket.join(`chat:${this.id}`, this.signal);
    return this.chat;
  }

  /** Does something to the chat: `act("close")`. */
  async act(deed, body = {}) {
    const { data } = await api.post(`/chats/${this.id}/${deed}`, body, { signal: this.signal });
    this.#take(data.chat ?? data);
    return data;
  }

  async #begin() {
    this.#ready = false;
    await standing(this.signal);
    const { data: chat } = await api.get(`/chats/${this.id}`, { signal: this.signal });
    const { reads, ...rest } = chat;
    for (const read of reads) this.#noteRead(read);
    await this.#part(rest.message_count + 1);
    this.#ready = true;
    this.#take(rest);
    for (const event of this.#early.splice(0)) this.#hear(event);
    this.list.scrollTop = this.list.scrollHeight;
    this.#look();
  }

  async #part(before) {
    const { data, meta } = await api.get(`/chats/${this.id}/messages?before=${before}&limit=${PAGE}`, { signal: this.signal });
    for (const message of data) this.#put(message).load();
    this.earlier.hidden = !meta.more;
    this.#draw();
  }

  async #earlier() {
    await this.#part(Math.min(...this.#messages.keys())).catch((error) => fill(this.trouble, note("bad", sentence(error))));
  }

  /** The chat as it is now, unless we know better. */
  #take(chat) {
    if (this.chat && this.chat.version > chat.version) return;
    this.chat = { ...this.chat, ...chat };
    this.form.hidden = chat.status === "closed";
    this.#draw();
    this.dispatchEvent(new Event("changed"));
  }

  #put(data) {
    const known = this.#messages.get(data.number);
    if (!known) this.#messages.set(data.number, new ChatMessage(data, this));
    else known.put(data);
    return known ?? this.#messages.get(data.number);
  }

  #hear(event) {
    const { type, data } = event;
    const ours = (data.chat_id ?? data.id) === this.id && type.startsWith("chat.");
    const file = type.startsWith("attachment.") && data.parent_type === "chat_message";
    if (!ours && !file) return undefined;
    if (!this.#ready) return void this.#early.push(event);
    if (file) return this.#keepAtEnd(() => this.#hearFile(type, data));
    if (type === "chat.read") this.#noteRead(data);
    else if (!type.startsWith("chat.message")) return this.#take(data);
    else if (type === "chat.message" || this.#messages.has(data.number)) {
      // What changed further up than we have read will be read as it is.
      this.#put(data);
      if (data.author_id !== this.user.id) this.#writes(null);
    }
    this.#draw();
    return this.#look();
  }

  #hearFile(type, data) {
    const message = [...this.#messages.values()].find((one) => one.data.id === data.parent_id);
    if (type === "attachment.deleted") message?.files.remove(data.id);
    else message?.files.put(data);
  }

  #noteRead({ user_id: who, number }) {
    if (who === this.user.id) this.#read = Math.max(this.#read, number);
    else this.#seen = Math.max(this.#seen, number);
  }

  #isSeen = ({ data }) => data.author_id === this.user.id && data.number <= this.#seen;

  #draw() {
    this.#keepAtEnd(() => {
      for (const one of this.#messages.values()) one.draw(this.#isSeen(one));
      this.rows.draw([...this.#messages.values()].sort((a, b) => a.data.number - b.data.number));
    });
  }

  /** Who has scrolled up stays there; who reads the end sees what is added. */
  #keepAtEnd(work) {
    const atEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 60;
    work();
    if (atEnd) this.list.scrollTop = this.list.scrollHeight;
  }

  /** Says how far was read, once that is before somebody's eyes. */
  #look() {
    const last = Math.max(0, ...this.#messages.keys());
    if (document.visibilityState !== "visible" || !this.#ready || last <= this.#read) return;
    clearTimeout(this.#reading);
    this.#reading = setTimeout(() => {
      if (this.signal.aborted) return;
      this.#read = last;
      api.post(`/chats/${this.id}/read`, { number: last }, { signal: this.signal }).catch(() => {});
    }, READ_AFTER_MS);
  }

  #sign({ type, payload }) {
    if (type === "typing" && payload.room === `chat:${this.id}`) this.#writes(payload.active ? payload.user.name : null);
  }

  #writes(name) {
    clearTimeout(this.#typing);
    this.says.textContent = name ? `${name} is writing…` : "";
    if (name) this.#typing = setTimeout(() => { this.says.textContent = ""; }, TYPING_MS);
  }

  #type() {
    if (Date.now() - this.#typedAt < TYPING_AGAIN_MS) return;
    this.#typedAt = Date.now();
    feed.socket.tell("typing", { room: `chat:${this.id}`, visibility: "public" });
  }

  #paste(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) this.staged.add(files);
  }

  #enter(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#say();
  }

  /** Sent again after a failure it is the same message, as long as its words are the same. */
  async #say() {
    const body = this.text.value.trim();
    if (this.button.disabled) return;
    if (!body) {
      if (this.staged.files.length) fill(this.trouble, note("bad", "Write a few words to go with the files."));
      return;
    }
    if (this.unsent?.body !== body) this.unsent = { body, client_msg_id: newKey() };
    this.button.disabled = true;
    try {
      const { data } = await api.post(`/chats/${this.id}/messages`, this.unsent, { signal: this.signal });
      const message = this.#put(data);
      for (const file of this.staged.take()) message.files.add(file);
      this.unsent = null;
      this.text.value = "";
      fill(this.trouble);
      this.#draw();
      this.list.scrollTop = this.list.scrollHeight;
    } catch (error) {
      if (!this.signal.aborted) fill(this.trouble, note("bad", sentence(error)));
    }
    this.button.disabled = false;
    this.text.focus();
  }
}
