// Chats in a list, the one that was written in last first: read once, then kept true by events.

import { api, query, sentence } from "./api.js";
import { empty, fill, h, note } from "./dom.js";
import { feed, listen, standing } from "./feed.js";
import { Keyed } from "./keyed.js";
import { since } from "./time.js";

const PAGE = 50;
/** Unread messages are counted up to here. */
const UNREAD_MAX = 99;
export const WORDS = { open: ["warn", "waits for us"], pending: ["info", "answered"], closed: ["quiet", "closed"] };

/** `asked()` answers the query of the list, `fits(chat)` what belongs into it. */
export class ChatList {
  #shown = new Map();
  #asked = 0;
  #page = 1;
  #early = [];
  #ready = false;

  constructor({ base, user, asked, fits, current = null, signal }) {
    Object.assign(this, { base, user, asked, fits, current, signal });
    this.trouble = h("div");
    this.list = h("ul", { class: "chat-rows", "aria-label": "Chats" });
    this.rows = new Keyed(this.list, (one) => this.#row(one), { mark: (one) => `${one.version} ${one.message_count} ${one.unread} ${one.excerpt}` });
    this.blank = h("div", { class: "card" }, empty("One moment", "Fetching chats…"));
    this.more = h("button", { type: "button", class: "button", hidden: true, onclick: () => this.load(this.#page + 1) }, "Show more");
    this.node = h("div", { class: "stack" }, this.trouble, this.list, this.blank, this.more);
    listen((event) => this.#hear(event), signal);
    feed.addEventListener("resync", () => this.load(), { signal });
    this.load();
  }

  /** Reads the list, or its next page. */
  async load(page = 1) {
    this.#asked += 1;
    const mine = this.#asked;
    try {
      await standing(this.signal);
      const { data, meta } = await api.get(`/chats${query({ ...this.asked(), page, per_page: PAGE })}`, { signal: this.signal });
      if (mine !== this.#asked) return;
      if (page === 1) this.#shown.clear();
      for (const chat of data) this.#shown.set(chat.id, chat);
      this.#page = page;
      this.more.hidden = page >= meta.total_pages;
      this.#ready = true;
      fill(this.trouble);
      for (const event of this.#early.splice(0)) this.#hear(event);
      this.#draw();
    } catch (error) {
      if (!this.signal.aborted && mine === this.#asked) fill(this.trouble, note("bad", sentence(error)));
    }
  }

  #hear(event) {
    const { type, data } = event;
    if (!type.startsWith("chat.")) return undefined;
    if (!this.#ready) return void this.#early.push(event);
    if (type === "chat.message") this.#said(data);
    else if (type === "chat.read") this.#read(data);
    else if (!type.startsWith("chat.message")) this.#change(data);
    return this.#draw();
  }

  #change(chat) {
    const known = this.#shown.get(chat.id);
    if (known?.version > chat.version) return;
    if (this.fits(chat)) this.#shown.set(chat.id, { excerpt: "", unread: 0, ...known, ...chat });
    else this.#shown.delete(chat.id);
  }

  #said(message) {
    const chat = this.#shown.get(message.chat_id);
    if (!chat || message.number < chat.message_count) return;
    const isOthers = message.author_id !== this.user.id;
    const excerpt = message.body.slice(0, 160);
    const news = message.number > chat.message_count || !chat.excerpt;
    this.#shown.set(chat.id, { ...chat, excerpt, message_count: message.number, last_message_at: message.created_at, unread: chat.unread + (isOthers && news ? 1 : 0) });
  }

  #read({ chat_id: id, user_id: who, number }) {
    const chat = this.#shown.get(id);
    if (chat && who === this.user.id) this.#shown.set(id, { ...chat, unread: Math.max(0, Math.min(chat.unread, chat.message_count - number)) });
  }

  #draw() {
    const all = [...this.#shown.values()].sort((a, b) => b.last_message_at.localeCompare(a.last_message_at));
    this.rows.draw(all);
    this.list.hidden = !all.length;
    this.blank.hidden = all.length > 0;
    fill(this.blank, !all.length && empty("No chats here", "A chat appears here the moment it begins."));
  }

  #row(one) {
    const [tone, words] = WORDS[one.status];
    const count = one.unread > UNREAD_MAX ? `${UNREAD_MAX}+` : one.unread;
    return h("li", {}, h("a", { class: "chat-row card", href: `${this.base}/${one.id}`, "aria-current": one.id === this.current ? "page" : null },
      h("span", { class: "row" }, h("b", { dir: "auto" }, this.base === "/admin/chats" ? one.name : "Chat with us"), since(one.last_message_at, "", " ago")),
      h("p", { class: "about", dir: "auto" }, one.excerpt || " "),
      h("span", { class: "row" }, h("span", { class: `badge tone-${tone}` }, words), one.unread > 0 && h("span", { class: "badge tone-bad" }, `${count} new`))));
  }
}
