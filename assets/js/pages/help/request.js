// One request: how it stands, and the conversation about it.

import { sentence } from "../../api.js";
import { empty, fill, h, icon, note } from "../../dom.js";
import { OneTicket } from "../../one-ticket.js";
import { isKnown, learn } from "../../people.js";
import { PRIORITIES, stateBadge } from "../../requests.js";
import { Thread } from "../../thread.js";
import { moment } from "../../time.js";

/** `High: it is in my way` → `High`. */
const priority = (name) => PRIORITIES.find(([key]) => key === name)?.[1].split(":")[0] ?? name;

class Request {
  constructor(root, { params, user, signal }) {
    this.signal = signal;
    this.one = new OneTicket(user, signal);
    this.head = h("header", { class: "page-head" }, h("div", {}, h("h1", {}, "Your request")));
    this.trouble = h("div");
    this.place = h("div", { class: "stack" }, h("div", { class: "card" }, empty("One moment", "Opening your request…")));
    root.append(this.head, this.trouble, this.place);
    this.one.addEventListener("changed", () => this.#draw(), { signal });
    this.one.addEventListener("trouble", ({ detail }) => fill(this.trouble, note("bad", sentence(detail))), { signal });
    this.#begin(params.id, user);
  }

  async #begin(id, user) {
    try {
      const ticket = await this.one.open(id);
      // Customers have no list of staff; until one of them has written, they are the desk.
      if (ticket.created_by && ticket.created_by !== user.id && !isKnown(ticket.created_by)) learn(ticket.created_by, "The desk");
      this.#draw();
      this.thread = new Thread(this.one, this.signal);
      fill(this.place, this.thread.node);
    } catch (error) {
      if (this.signal.aborted) return;
      fill(this.head, h("div", {}, h("h1", { tabindex: "-1" }, "No such request")));
      fill(this.place, h("div", { class: "card" }, error.status === 404 || error.status === 422
        ? empty("There is nothing here", "It may have been deleted, or belong to somebody else.", h("a", { class: "button", href: "/help" }, "My requests"))
        : h("div", { class: "card-pad" }, note("bad", sentence(error)))));
    }
  }

  #draw() {
    const { ticket, isGone, isClosed } = this.one;
    document.title = `#${ticket.number} ${ticket.subject} · Deskbell`;
    const had = this.head.contains(document.activeElement) && document.activeElement.dataset.deed;
    const act = (deed, words, work, className = "") => h("button", { type: "button", class: `button ${className}`, "data-deed": deed, onclick: () => this.#try(work) }, words);
    const deeds = [];
    if (!isGone && !ticket.merged_into_id) {
      if (ticket.status === "resolved") deeds.push(act("reopen", "It is not solved", () => this.one.act("reopen")));
      else if (isClosed) deeds.push(h("a", { class: "button", href: `/help/new?after=${ticket.number}` }, "Ask a follow-up"));
      else deeds.push(act("solve", [icon("check", 16), "It is solved"], () => this.one.change({ status: "resolved" })));
    }
    fill(this.head,
      h("div", {}, h("p", { class: "crumb" }, h("a", { href: "/help" }, "My requests")), h("h1", { dir: "auto", tabindex: "-1" }, ticket.subject),
        h("p", { class: "card-foot small" }, h("span", {}, `#${ticket.number}`), h("span", {}, "opened ", moment(ticket.created_at)), h("span", {}, `Priority: ${priority(ticket.priority)}`))),
      h("div", { class: "row", role: "status" }, stateBadge(ticket)), h("div", { class: "row" }, deeds));
    if (had) (this.head.querySelector(`[data-deed]`) ?? this.head.querySelector("h1")).focus();
    const words = [];
    if (isGone) words.push("This request was deleted.");
    else if (ticket.merged_into_id) words.push(h("p", {}, "This request was merged into another one: ", h("a", { href: `/help/tickets/${ticket.merged_into_id}` }, "go on there"), "."));
    fill(this.trouble, words.length > 0 && note("info", ...words));
  }

  async #try(work) {
    try {
      await work();
    } catch (error) {
      if (this.signal.aborted) return;
      fill(this.trouble, note("bad", error.fields && !error.code ? "Somebody changed it at the same moment. Look, and try again." : sentence(error)));
    }
  }
}

export default { title: "Your request", mount: (root, ctx) => void new Request(root, ctx) };
