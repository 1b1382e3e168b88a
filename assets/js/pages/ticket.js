// One ticket: the conversation, what is true of it, its clocks, its people, and what may be done.

import { sentence } from "../api.js";
import { Company } from "../company.js";
import { Clocks } from "../desk/clocks.js";
import { Facts, conflictNote } from "../desk/facts.js";
import { deeds } from "../desk/deeds.js";
import { Followers, Requester } from "../desk/persons.js";
import { History } from "../desk/history.js";
import { statusBadge } from "../desk/words.js";
import { directory } from "../directory.js";
import { empty, fill, h, icon, note } from "../dom.js";
import { input, onSubmit } from "../form.js";
import { Conflict, OneTicket } from "../one-ticket.js";
import { linePill } from "../shell.js";
import { Thread } from "../thread.js";

/** The subject as the page's heading, changed in place. */
class Subject {
  constructor(one, heading) {
    this.one = one;
    this.words = h("bdi");
    this.pen = h("button", { type: "button", class: "button button-s button-plain button-icon", "aria-label": "Change the subject", title: "Change the subject", onclick: () => this.edit() }, icon("pen", 16));
    this.heading = heading;
    this.trouble = h("div", { "aria-live": "polite" });
    this.line = h("div", { class: "subject" }, heading, this.pen);
    this.node = h("div", { class: "stack-s" }, this.line, this.trouble);
    fill(heading, this.words);
    this.draw();
  }

  draw() {
    const { ticket, isGone } = this.one;
    this.words.textContent = ticket.subject;
    this.pen.hidden = isGone || Boolean(ticket.merged_into_id);
    document.title = `#${ticket.number} ${ticket.subject} · Deskbell`;
  }

  edit() {
    const control = input({ value: this.one.ticket.subject, maxlength: "255", "aria-label": "Subject", name: "subject", dir: "auto" });
    const done = () => {
      form.replaceWith(this.line);
      this.pen.focus();
    };
    const form = h("form", { class: "subject" }, h("div", { class: "field", "data-field": "subject" }, control),
      h("button", { type: "submit", class: "button button-main" }, "Save"), h("button", { type: "button", class: "button", onclick: done }, "Cancel"), h("div", { "data-message": true }));
    form.addEventListener("keydown", (event) => event.key === "Escape" && done());
    onSubmit(form, async () => {
      await this.save({ subject: control.value });
      done();
    });
    this.line.replaceWith(form);
    control.focus();
    control.select();
  }

  async save(fields, options) {
    try {
      await this.one.change(fields, options);
      fill(this.trouble);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      fill(this.trouble, conflictNote(error, fields, () => this.save(fields, { anyway: true }).catch((e) => fill(this.trouble, note("bad", sentence(e))))));
    }
  }
}

/** What stands under the subject: number, status, how it came in. */
function standing(one, place) {
  const { ticket } = one;
  fill(place, h("span", { class: "number" }, `#${ticket.number}`), statusBadge(ticket.status),
    ticket.call_id ? h("a", { class: "small", href: `/admin/calls/${ticket.call_id}` }, "by call") : h("span", { class: "quiet small" }, `by ${ticket.channel}`),
    ticket.reopened_count > 0 && h("span", { class: "quiet small" }, ticket.reopened_count === 1 ? "reopened once" : `reopened ${ticket.reopened_count} times`),
    ticket.merged_into_id && h("a", { class: "small", href: `/admin/tickets/${ticket.merged_into_id}` }, "Go to the ticket it was merged into"));
}

function show(root, one, heading, signal) {
  const thread = new Thread(one, signal);
  const company = new Company(one.ticket, one.user, signal);
  company.watch(thread.compose);
  thread.compose.node.before(company.node);
  const facts = new Facts(one, signal);
  const history = new History(one, signal);
  const clocks = new Clocks(one, history, signal);
  const subject = new Subject(one, heading);
  const place = h("div", { class: "row" });
  const tools = deeds(one, { thread, facts, signal });
  const banner = h("div", { "aria-live": "polite" });
  const draw = () => {
    subject.draw();
    standing(one, place);
    fill(banner, one.isGone && note("warn", "This ticket was deleted."));
  };
  one.addEventListener("changed", draw, { signal });
  one.addEventListener("trouble", ({ detail }) => fill(banner, note("bad", sentence(detail))), { signal });
  draw();
  fill(root,
    h("header", { class: "page-head" },
      h("div", {}, h("a", { class: "crumb row", href: "/admin/tickets" }, icon("back", 14), "Tickets"), subject.node, place), linePill(signal)),
    tools, banner,
    h("div", { class: "ticket" }, thread.node,
      h("div", { class: "ticket-side" }, facts.node, clocks.node, new Requester(one, signal).node, new Followers(one, signal).node, history.node)));
}

function missing(root, which) {
  document.title = "No such ticket · Deskbell";
  const words = /^\d+$/.test(which) ? `There is no ticket number ${which}, or it was deleted.` : "There is no such ticket, or it was deleted.";
  fill(root, h("header", { class: "page-head" }, h("div", {}, h("a", { class: "crumb row", href: "/admin/tickets" }, icon("back", 14), "Tickets"), h("h1", { tabindex: "-1" }, "No such ticket"), h("p", {}, words))),
    h("div", { class: "row" }, h("a", { class: "button button-main", href: "/admin/tickets" }, "Go to the tickets")));
  root.querySelector("h1").focus();
}

function mount(root, { params, user, signal }) {
  const heading = h("h1", {}, /^\d+$/.test(params.id) ? `Ticket #${params.id}` : "Ticket");
  root.append(h("header", { class: "page-head" }, h("div", {}, heading)), h("div", { class: "card" }, empty("One moment", "Reading the ticket…")));
  const one = new OneTicket(user, signal);
  const load = () => Promise.all([one.open(params.id), directory.load().catch(() => {})])
    .then(() => {
      if (signal.aborted) return;
      // Names of those who are no staff are not in the directory.
      directory.look([one.ticket.requester_id, one.ticket.created_by, one.ticket.assignee_id]);
      show(root, one, heading, signal);
    })
    .catch((error) => {
      if (signal.aborted) return;
      if (error.status === 404 || error.status === 422 || error.status === 400) missing(root, params.id);
      else fill(root, heading, note("bad", sentence(error)), h("div", { class: "row" }, h("button", { type: "button", class: "button", onclick: load }, "Try again")));
    });
  load();
}

export default { title: ({ params }) => (/^\d+$/.test(params.id) ? `Ticket #${params.id}` : "Ticket"), mount };
