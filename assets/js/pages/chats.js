// Chats for staff: the list at the side, and one of them with what can be done about it.

import { sentence } from "../api.js";
import { ChatList, WORDS } from "../chat-list.js";
import { ChatRoom } from "../chat-room.js";
import { directory } from "../directory.js";
import { empty, fill, h, icon, note, toast } from "../dom.js";
import { nameOf, people } from "../people.js";
import { may } from "../roles.js";
import { linePill } from "../shell.js";

const LIVING = "open,pending";
/** The list that was looked at last, so that opening a chat does not change it. */
let chosen = "mine";

const FILTERS = {
  mine: ["Mine", { assignee: "me", status: LIVING }, (chat, me) => chat.assignee_id === me && chat.status !== "closed"],
  none: ["Unassigned", { assignee: "none", status: LIVING }, (chat) => !chat.assignee_id && chat.status !== "closed"],
  all: ["All", { status: LIVING }, (chat) => chat.status !== "closed"],
  closed: ["Closed", { status: "closed" }, (chat) => chat.status === "closed"],
};

function choices(list) {
  const one = ([key, [words]]) => h("label", { class: "choice plain" },
    h("input", { type: "radio", name: "which", checked: key === chosen, onchange: () => { chosen = key; list.load(); } }), h("span", {}, words));
  return h("fieldset", {}, h("legend", { class: "visually-hidden" }, "Which chats"), h("div", { class: "choices" }, Object.entries(FILTERS).map(one)));
}

class OneChat {
  constructor(place, { params, user, signal }) {
    this.user = user;
    this.room = new ChatRoom(params.id, user, signal);
    this.head = h("div", { class: "stack" });
    this.trouble = h("div");
    this.to = h("select", { class: "input", "aria-label": "Give it to", onchange: () => this.#pass() });
    this.deeds = h("div", { class: "row" });
    this.room.addEventListener("changed", () => this.#draw(), { signal });
    directory.addEventListener("changed", () => this.#draw(), { signal });
    people.addEventListener("learned", () => this.#draw(), { signal });
    directory.load().catch((error) => fill(this.trouble, note("bad", sentence(error))));
    this.room.open().then(() => fill(place, h("section", { class: "card chat-one", "aria-label": "Chat" }, this.head, this.deeds, this.trouble, this.room.node)), (error) => {
      if (signal.aborted) return;
      fill(place, h("div", { class: "card" }, error.status === 404 ? empty("There is nothing here", "This chat is not there.") : note("bad", sentence(error))));
    });
  }

  #draw() {
    const { chat } = this.room;
    if (!chat) return;
    document.title = `${chat.name} · Chats · Deskbell`;
    const [tone, words] = WORDS[chat.status];
    const whose = chat.assignee_id ? nameOf(chat.assignee_id) : "nobody yet";
    fill(this.head, h("h2", { dir: "auto" }, chat.name),
      h("p", { class: "card-foot small quiet" }, h("span", { class: `badge tone-${tone}` }, words), h("span", {}, `With ${whose}`),
        chat.visitor_email && h("span", { dir: "auto" }, chat.visitor_email), chat.team_id && h("span", {}, directory.teamName(chat.team_id)),
        chat.ticket_id && h("a", { href: `/admin/tickets/${chat.ticket_id}` }, "Its ticket")));
    const had = this.deeds.contains(document.activeElement) ? document.activeElement.dataset.deed : null;
    const act = (deed, name, work) => h("button", { type: "button", class: "button", "data-deed": deed, onclick: () => this.#try(work) }, name);
    const closed = chat.status === "closed";
    this.#options(chat);
    fill(this.deeds,
      !closed && chat.assignee_id !== this.user.id && act("take", "Take it", () => this.room.act("assign")),
      !closed && this.to,
      !chat.ticket_id && act("ticket", "Make a ticket", () => this.#ticket()),
      closed ? act("reopen", "Open again", () => this.room.act("reopen")) : act("close", "Close", () => this.room.act("close")));
    if (had) (this.deeds.querySelector(`[data-deed="${had}"]`) ?? this.deeds.querySelector("button"))?.focus();
  }

  #options(chat) {
    if (this.to === document.activeElement) return;
    const option = (value, words) => h("option", { value }, words);
    fill(this.to, option("", "Give it to…"),
      h("optgroup", { label: "People" }, directory.staff.filter(({ id }) => id !== chat.assignee_id).map(({ id, name }) => option(`assignee_id ${id}`, name))),
      directory.teams.length > 0 && h("optgroup", { label: "Teams" }, directory.teams.map(({ id, name }) => option(`team_id ${id}`, name))));
  }

  #pass() {
    const [field, id] = this.to.value.split(" ");
    if (!id) return;
    this.to.blur();
    this.#try(() => this.room.act("transfer", { [field]: id }));
  }

  async #ticket() {
    const { ticket } = await this.room.act("ticket");
    toast(`Ticket #${ticket.number} was made`);
  }

  async #try(work) {
    try {
      await work();
      fill(this.trouble);
    } catch (error) {
      fill(this.trouble, note("bad", sentence(error)));
    }
  }
}

function mount(root, ctx) {
  const { params, user, signal } = ctx;
  const list = new ChatList({
    base: "/admin/chats", user, current: params.id, signal,
    asked: () => FILTERS[chosen][1], fits: (chat) => FILTERS[chosen][2](chat, user.id),
  });
  const place = h("div", {}, h("div", { class: "card" }, params.id ? empty("One moment", "Opening the chat…") : empty("No chat is open", "Choose one from the list.")));
  root.append(h("header", { class: "page-head" }, h("div", {}, h("h1", {}, "Chats"), h("p", {}, "Who wants to talk right now.")),
    may(user, "admin") && h("a", { class: "button", href: "/admin/chats/settings" }, icon("tune", 16), "Settings"), linePill(signal)),
    choices(list), h("div", { class: "chats" }, list.node, place));
  if (params.id) new OneChat(place, ctx);
}

export default { title: "Chats", mount };
