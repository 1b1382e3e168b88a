// One message of a chat: shown with its files, edited and deleted where it stands.

import { api, ApiError, sentence } from "./api.js";
import { ask } from "./dialog.js";
import { fill, h, note } from "./dom.js";
import { deed, textEditor } from "./entry.js";
import { Files } from "./files.js";
import { may } from "./roles.js";
import { hourOf } from "./time.js";

/** A message of `room`, a {@link ChatRoom}; `node` is its place, `files` are its files. */
export class ChatMessage {
  #editor = null;
  #isSeen = false;
  #mark = "";

  constructor(data, room) {
    this.data = data;
    this.room = room;
    this.path = `/chats/${room.id}/messages/${data.id}`;
    this.files = new Files(this.path, { signal: room.signal, mayDelete: (file) => this.#mayDelete(file) });
    this.body = h("div", { class: "chat-body" });
    this.about = h("small");
    this.deeds = h("span", { class: "chat-deeds" });
    this.trouble = h("div");
    const own = data.author_id === room.user.id ? " own" : "";
    this.node = h("div", { class: `chat-message${own}` }, this.body, this.files.node, h("div", { class: "chat-foot" }, this.about, this.deeds), this.trouble);
  }

  /** Takes a newer state; an older one changes nothing. */
  put(data) {
    if (data.version <= this.data.version) return;
    const other = data.body !== this.data.body;
    this.data = data;
    if (data.deleted_at) this.#editor = null;
    else if (this.#editor && other) this.#editor.newer(data.body);
  }

  /** Reads its files, where it has some. */
  load() {
    if (!this.data.attachments.length && !this.files.count) return;
    this.files.load().catch((error) => this.#failed(error));
  }

  /** Shows it as it is now; `isSeen` once the others have read it. */
  draw(isSeen = this.#isSeen) {
    this.#isSeen = isSeen;
    const { data } = this;
    const mark = [data.version, isSeen, this.#mayChange(), Boolean(this.#editor), this.room.chat?.status].join();
    if (mark === this.#mark) return;
    this.#mark = mark;
    this.node.classList.toggle("gone", Boolean(data.deleted_at));
    const about = [data.author_name, hourOf(data.created_at), data.edited_at && !data.deleted_at ? "edited" : "", isSeen ? "seen" : ""];
    fill(this.about, about.filter(Boolean).join(" · "));
    if (!this.#editor) fill(this.body, h("p", { dir: "auto" }, data.deleted_at ? "Deleted" : data.body));
    const had = this.deeds.contains(document.activeElement);
    fill(this.deeds, this.#mayChange() && !this.#editor && [
      deed("pen", "Edit", "Edit this message", () => this.#edit()),
      deed("bin", "Delete", "Delete this message", () => this.#delete()),
    ]);
    if (had) (this.deeds.querySelector("button") ?? this.room.list).focus({ preventScroll: true });
    this.files.draw();
  }

  /** Its author and supervisors, while the chat goes on. */
  #mayChange() {
    const { user, chat } = this.room;
    const isOwn = this.data.author_id === user.id || may(user, "supervisor");
    return isOwn && !this.data.deleted_at && Boolean(chat) && chat.status !== "closed";
  }

  #mayDelete(file) {
    const { user, chat } = this.room;
    const isOwn = file.uploaded_by === user.id || may(user, "supervisor");
    return isOwn && Boolean(chat) && (may(user, "agent") || chat.status !== "closed");
  }

  #edit() {
    this.#editor = textEditor({
      label: "Message", name: "body", text: this.data.body,
      save: (body) => this.#save(body),
      done: () => {
        this.#editor = null;
        this.draw();
        this.deeds.querySelector("button")?.focus();
      },
    });
    fill(this.body, this.#editor.form);
    this.draw();
    this.#editor.focus();
  }

  async #save(body) {
    try {
      this.put((await api.patch(this.path, { body, version: this.data.version }, { signal: this.room.signal })).data);
    } catch (error) {
      // The editor shows what it says now.
      if (error instanceof ApiError && error.code === "version_conflict") this.put(error.current);
      throw error;
    }
  }

  async #delete() {
    if (!(await ask({ title: "Delete this message?", words: "Its words and files will be gone for everybody.", yes: "Delete message" }))) return;
    try {
      this.put((await api.delete(this.path, { signal: this.room.signal })).data);
      this.draw();
      this.room.list.focus({ preventScroll: true });
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error) {
    if (!this.room.signal.aborted) fill(this.trouble, note("bad", sentence(error)));
  }
}
