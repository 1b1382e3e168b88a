// A customer's own chats, and one of them.

import { api, newKey, sentence } from "../../api.js";
import { ChatList } from "../../chat-list.js";
import { ChatRoom } from "../../chat-room.js";
import { empty, fill, h, note } from "../../dom.js";

/** The first message of a new chat. */
function beginning({ go, signal }) {
  const text = h("textarea", { class: "input", rows: "3", "aria-label": "Your first message", placeholder: "How can we help?" });
  const trouble = h("div");
  const button = h("button", { type: "submit", class: "button button-main" }, "Begin a chat");
  const key = newKey();
  const begin = async (event) => {
    event.preventDefault();
    if (!text.value.trim() || button.disabled) return;
    button.disabled = true;
    try {
      const { data } = await api.post("/chats", { body: text.value.trim() }, { signal, key: `${key}${text.value.length}` });
      go(`/help/chats/${data.id}`);
    } catch (error) {
      if (!signal.aborted) fill(trouble, note("bad", sentence(error)));
      button.disabled = false;
    }
  };
  return h("form", { class: "card chat-one", onsubmit: begin }, text, trouble, h("div", { class: "row" }, button));
}

function one({ params, user, signal }) {
  const room = new ChatRoom(params.id, user, signal);
  const head = h("div", { class: "row" });
  const trouble = h("div");
  const place = h("div", {}, h("div", { class: "card" }, empty("One moment", "Opening the chat…")));
  const close = () => room.act("close").catch((error) => fill(trouble, note("bad", sentence(error))));
  room.addEventListener("changed", () => fill(head, room.chat.status === "closed"
    ? h("p", { role: "status" }, "This chat is over. ", h("a", { href: "/help/chats" }, "Begin another one"))
    : h("button", { type: "button", class: "button", onclick: close }, "End chat")), { signal });
  room.open().then(() => fill(place, h("section", { class: "card chat-one", "aria-label": "Chat" }, head, trouble, room.node)), (error) => {
    if (!signal.aborted) fill(place, h("div", { class: "card" }, error.status === 404 ? empty("There is nothing here", "This chat is not there.") : note("bad", sentence(error))));
  });
  return place;
}

function mount(root, ctx) {
  const { params, user, signal } = ctx;
  const list = new ChatList({ base: "/help/chats", user, current: params.id, signal, asked: () => ({}), fits: (chat) => chat.customer_id === user.id });
  root.append(h("header", { class: "page-head" }, h("div", {}, h("h1", {}, "Chats"), h("p", {}, "Talk to us while we are both here."))),
    h("div", { class: "chats" }, list.node, params.id ? one(ctx) : beginning(ctx)));
}

export default { title: "Chats", mount };
