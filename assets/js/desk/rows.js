// The lines of a list of tickets: drawn once, then changed and moved in place.

import { directory } from "../directory.js";
import { fill, h, icon } from "../dom.js";
import { avatar, nameOf } from "../people.js";
import { countdown, since, toMs } from "../time.js";
import { priorityBadge, statusBadge } from "./words.js";

const TAGS_SHOWN = 3;

/** The next time something is due on a ticket, and what. */
function due(ticket) {
  const times = [[ticket.first_response_due_at, "answer "], [ticket.resolution_due_at, "solution "], [["resolved", "closed"].includes(ticket.status) ? null : ticket.due_at, "due "]]
    .filter(([at]) => Number.isFinite(toMs(at))).sort((a, b) => toMs(a[0]) - toMs(b[0]));
  return times[0] ? countdown(...times[0]) : null;
}

/** One line; `box` is there for those who may change many at once. */
class Row {
  constructor(ticket, { go, select, restore }) {
    this.select = select;
    this.restore = restore;
    this.link = h("a", { class: "ticket-link" });
    this.small = h("small", { class: "ticket-small" });
    this.cells = ["Status", "Priority", "Agent", "Due", "Changed"].map((name) => h("td", { "data-name": name === "Changed" ? "Changed" : null }));
    this.box = select && h("input", { type: "checkbox", onchange: () => select(this.ticket.id, this.box.checked) });
    this.node = h("tr", { class: "opens" }, h("td", {}, h("div", { class: "ticket-cell" }, this.box && h("label", { class: "tick" }, this.box), h("div", {}, this.link, this.small))), this.cells);
    this.node.addEventListener("click", (event) => {
      if (!this.ticket.deleted_at && !event.target.closest("a, button, input, label") && !getSelection()?.toString()) go(`/admin/tickets/${this.ticket.number}`);
    });
    this.draw(ticket);
  }

  draw(ticket) {
    this.ticket = ticket;
    const [status, priority, agent, dueCell, changed] = this.cells;
    const name = [h("span", { class: "number" }, `#${ticket.number}`), " ", h("bdi", {}, ticket.subject)];
    if (ticket.deleted_at) this.link.removeAttribute("href");
    else this.link.setAttribute("href", `/admin/tickets/${ticket.number}`);
    fill(this.link, name);
    const more = ticket.tags.length - TAGS_SHOWN;
    fill(this.small, h("bdi", {}, nameOf(ticket.requester_id)), ticket.team_id && [" · ", h("bdi", {}, directory.teamName(ticket.team_id))],
      ticket.comment_count > 0 && h("span", { class: "talks", title: ticket.comment_count === 1 ? "1 comment" : `${ticket.comment_count} comments` }, icon("talk", 13), ticket.comment_count),
      ticket.tags.slice(0, TAGS_SHOWN).map((tag) => h("span", { class: "tag" }, h("bdi", {}, tag))), more > 0 && ` +${more}`);
    if (this.box) this.box.setAttribute("aria-label", `Select ticket ${ticket.number}, ${ticket.subject}`);
    fill(status, statusBadge(ticket.status));
    fill(priority, priorityBadge(ticket.priority));
    fill(agent, ticket.assignee_id ? h("span", { class: "agent-cell" }, avatar(nameOf(ticket.assignee_id)), h("bdi", {}, nameOf(ticket.assignee_id))) : h("span", { class: "quiet small" }, "Nobody"));
    fill(dueCell, ticket.deleted_at && this.restore ? h("button", { type: "button", class: "button button-s", onclick: () => this.restore(this.ticket) }, icon("again", 14), "Restore") : due(ticket));
    fill(changed, since(ticket.updated_at, "", " ago"));
  }
}

/** The table; `show(tickets, fresh)` draws them in this order. */
export class Rows {
  #rows = new Map();

  constructor(options) {
    this.options = options;
    this.body = h("tbody");
    this.all = options.select && h("input", { type: "checkbox", "aria-label": "Select all tickets on this page", onchange: () => options.selectAll(this.all.checked) });
    const names = ["Status", "Priority", "Agent", "Due", "Changed"].map((name) => h("th", { scope: "col" }, name));
    this.node = h("table", { class: "table table-tickets" }, h("caption", { class: "visually-hidden" }, "Tickets"),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, h("span", { class: "ticket-cell" }, this.all && h("span", { class: "tick" }, this.all), "Ticket")), names)), this.body);
  }

  show(tickets, fresh = []) {
    const focus = this.body.contains(document.activeElement) ? document.activeElement : null;
    const wanted = new Set(tickets.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (wanted.has(id)) continue;
      row.node.remove();
      this.#rows.delete(id);
    }
    tickets.forEach((ticket, at) => {
      let row = this.#rows.get(ticket.id);
      if (!row) this.#rows.set(ticket.id, row = new Row(ticket, this.options));
      else if (row.ticket !== ticket) row.draw(ticket);
      if (this.body.children[at] !== row.node) this.body.insertBefore(row.node, this.body.children[at] ?? null);
      if (!fresh.includes(ticket.id)) return;
      // The animation begins anew although the class is there.
      row.node.classList.remove("fresh");
      requestAnimationFrame(() => row.node.classList.add("fresh"));
    });
    if (focus?.isConnected && document.activeElement !== focus) focus.focus({ preventScroll: true });
  }

  /** Names or teams are known now. */
  redraw() {
    for (const row of this.#rows.values()) row.draw(row.ticket);
  }

  /** Ticks the boxes of what is selected. */
  tick(selected) {
    for (const [id, row] of this.#rows) {
      if (row.box) row.box.checked = selected.has(id);
      row.node.classList.toggle("selected", selected.has(id));
    }
    if (!this.all) return;
    const count = [...this.#rows.keys()].filter((id) => selected.has(id)).length;
    this.all.checked = count > 0 && count === this.#rows.size;
    this.all.indeterminate = count > 0 && count < this.#rows.size;
  }
}
