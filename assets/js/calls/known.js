// What is known of whoever is at the other end: the customer, their last tickets, the call's ticket.

import { api, newKey, sentence } from "../api.js";
import { choose, PRIORITIES, said, statusBadge } from "../desk/words.js";
import { openDialog } from "../dialog.js";
import { fill, h, icon, note, toast } from "../dom.js";
import { field, fieldError, input, onSubmit } from "../form.js";
import { numberNode, numberOf, otherSide } from "./words.js";

const ticketWords = ({ number, subject }) => [number && h("span", { class: "number" }, `#${number} `), h("bdi", {}, subject)];

const ticketLink = (ticket) => h(ticket.number ? "a" : "span", { class: "ticket-link", href: ticket.number ? `/admin/tickets/${ticket.number}` : null }, ticketWords(ticket));

/** The dialog that opens a ticket for `one` call; `done(ticket)` gets it. */
function newTicket(one, done) {
  const { call } = one;
  const subject = input({ maxlength: "255", autofocus: true, autocomplete: "off", dir: "auto", value: `Call ${call.direction === "outbound" ? "to" : "from"} ${otherSide(call)}` });
  const words = h("textarea", { class: "input", rows: "5", maxlength: "65536", dir: "auto" });
  const priority = choose(Object.keys(PRIORITIES).map((name) => [name, said(name)]), "normal");
  const mine = h("input", { type: "checkbox", checked: true });
  const form = h("form");
  const node = openDialog({
    title: "New ticket from this call",
    wrap: (parts) => fill(form, parts),
    body: [h("div", { "data-message": true }),
      h("p", { class: "small quiet" }, call.customer ? ["For ", h("bdi", {}, call.customer.name)] : "Nobody known has this number, so it is your own matter."),
      field("subject", "Subject", subject), field("description", "What it is about", words),
      h("div", { class: "pair" }, field("priority", "Priority", priority), h("label", { class: "check" }, mine, "I work on it"))],
    foot: [h("button", { type: "button", class: "button", onclick: () => node.close() }, "Cancel"), h("button", { type: "submit", class: "button button-main" }, "Open ticket")],
  });
  let once = { body: "", key: "" };
  onSubmit(form, async () => {
    if (!subject.value.trim()) {
      fieldError(form, "subject", "A few words, please");
      return subject.focus();
    }
    const ticket = { subject: subject.value, description: words.value, priority: priority.value, assignee_id: mine.checked ? one.user.id : null };
    const body = JSON.stringify(ticket);
    if (once.body !== body) once = { body, key: newKey() };
    const { ticket: made } = await one.act("ticket", ticket, { key: once.key });
    node.close();
    toast(`Ticket #${made.number} is open`);
    return done(made);
  });
}

/** Who it is and what they asked for; what comes of the call. `node` goes onto the page. */
export class Known {
  #ticket = null;
  #shown = "";

  /** `isNamed` where the name stands above it already. */
  constructor(one, signal, { isNamed = false } = {}) {
    this.one = one;
    this.signal = signal;
    this.isNamed = isNamed;
    this.who = h("div", { class: "stack-s" });
    this.what = h("div", { class: "stack-s" });
    this.trouble = h("div", { "aria-live": "polite" });
    this.node = h("div", { class: "call-known" }, this.who, this.what, this.trouble);
    one.addEventListener("changed", () => this.draw(), { signal });
    this.draw();
  }

  draw() {
    const { customer, recent_tickets: recent, ticket_id: tied } = this.one.call;
    const mark = JSON.stringify([customer, recent, tied, this.#ticket]);
    if (mark === this.#shown) return;
    this.#shown = mark;
    const had = this.node.contains(document.activeElement);
    fill(this.who, customer ? this.#customer(customer, recent, tied) : h("p", { class: "small quiet" }, "Nobody known has this number."));
    fill(this.what, tied && this.#tied(tied), h("div", { class: "row" }, !tied && this.#newButton(),
      customer && h("a", { class: "button button-s", href: `/admin/tickets?requester=${encodeURIComponent(customer.id)}&sort=-created_at` }, icon("ticket", 15), "Open customer's tickets")));
    if (had && !this.node.contains(document.activeElement)) this.node.querySelector("a, button")?.focus({ preventScroll: true });
  }

  #customer(customer, all, tied) {
    const recent = all.filter(({ id }) => id !== tied);
    return [
      h("p", { class: "call-customer" }, !this.isNamed && h("b", {}, h("bdi", {}, customer.name)), customer.email && h("small", {}, h("bdi", {}, customer.email))),
      recent.length > 0 && h("ul", { class: "call-tickets", "aria-label": "Their last tickets" }, recent.map((ticket) => h("li", {}, ticketLink(ticket), statusBadge(ticket.status),
        !tied && h("button", { type: "button", class: "button button-s button-plain", "aria-label": `Link the call to ticket ${ticket.number}`, onclick: () => this.#link(ticket) }, "Link")))),
      !all.length && h("p", { class: "small quiet" }, "They have no tickets yet."),
    ];
  }

  #newButton() {
    const done = (ticket) => {
      this.#ticket = ticket;
      this.draw();
      // The button that opened the dialog is gone.
      this.what.querySelector("a").focus();
    };
    return h("button", { type: "button", class: "button button-s", onclick: () => newTicket(this.one, done) }, icon("plus", 15), "New ticket");
  }

  #tied(id) {
    const words = h("span", { class: "quiet small" }, "Ticket of this call");
    const ticket = this.#ticket?.id === id ? this.#ticket : this.one.call.recent_tickets.find((recent) => recent.id === id);
    if (ticket) return h("p", { class: "call-ticket" }, words, ticketLink(ticket), statusBadge(ticket.status));
    this.#ask(id);
    return h("p", { class: "call-ticket" }, words, h("a", { href: `/admin/tickets/${id}` }, "Open it"));
  }

  /** A ticket that is not among the customer's last ones. */
  async #ask(id) {
    try {
      this.#ticket = (await api.get(`/tickets/${id}`, { signal: this.signal })).data;
    } catch (error) {
      if (error.status !== 404) return;
      this.#ticket = { id, number: null, subject: "A ticket that was deleted", status: "closed" };
    }
    this.draw();
  }

  async #link(ticket) {
    try {
      await this.one.act("ticket", { ticket_id: ticket.id });
      fill(this.trouble);
      toast(`The call is linked to ticket #${ticket.number}`);
    } catch (error) {
      fill(this.trouble, note("bad", sentence(error), ...Object.values(error.fields ?? {})));
    }
  }
}

/** A form that links a call to a ticket by its number; hidden where it has one. */
export function linkForm(one, signal) {
  const number = input({ inputmode: "numeric", maxlength: "12", autocomplete: "off", placeholder: "Number" });
  const form = h("form", { class: "stack-s" }, field("ticket_id", "Or one that is there", number), h("button", { type: "submit", class: "button button-s" }, "Link to it"), h("div", { "data-message": true }));
  onSubmit(form, async () => {
    const wanted = number.value.trim().replace(/^#/, "");
    if (!/^\d+$/.test(wanted)) {
      fieldError(form, "ticket_id", "The number of a ticket, such as 12");
      return number.focus();
    }
    try {
      const { data } = await api.get(`/tickets/${wanted}`);
      await one.act("ticket", { ticket_id: data.id });
    } catch (error) {
      if (error.status !== 404) throw error;
      fieldError(form, "ticket_id", "There is no such ticket");
      return number.focus();
    }
    return toast(`The call is linked to ticket #${wanted}`);
  });
  const draw = () => { form.hidden = Boolean(one.call.ticket_id); };
  one.addEventListener("changed", draw, { signal });
  draw();
  return form;
}

/** The number, unless it stands above as the name, and where it was called, in one small line. */
export const numberLine = (call) => [
  numberOf(call) && otherSide(call) !== numberOf(call) && numberNode(numberOf(call), { class: "call-number" }),
  call.queue && h("span", {}, " in ", h("bdi", {}, call.queue)),
];
