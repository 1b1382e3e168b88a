// The list of tickets: filters, views, pages, changes to many. Kept true by events, not by asking.

import { address, api, query, sentence } from "../api.js";
import { BulkBar } from "../desk/bulk.js";
import { FilterBar } from "../desk/filter-bar.js";
import { readAddress, writeAddress } from "../desk/filters.js";
import { TicketList } from "../desk/list.js";
import { newTicket } from "../desk/new-ticket.js";
import { Rows } from "../desk/rows.js";
import { Views } from "../desk/views.js";
import { directory } from "../directory.js";
import { empty, fill, h, icon, note, toast } from "../dom.js";
import { PER_PAGE } from "../live-list.js";
import { may } from "./index.js";
import { people } from "../people.js";
import { linePill } from "../shell.js";
import { count } from "../time.js";

/** News is read out this often at most. */
const SPEAK_MS = 4_000;

class TicketsView {
  #selected = new Set();
  #news = 0;

  constructor(root, { user, go, signal }) {
    this.user = user;
    this.go = go;
    this.signal = signal;
    this.list = new TicketList(user, signal);
    const supervises = may(user, "supervisor");
    this.views = new Views(user, signal);
    this.bar = new FilterBar(user, (filters) => this.#show(filters, 1, { replace: true }), signal);
    this.bulk = new BulkBar(user, { clear: (keep = []) => this.#select(Array.isArray(keep) ? keep : []), number: (id) => this.list.rows.find((row) => row.id === id)?.number ?? "?" });
    this.rows = new Rows({
      go,
      select: supervises ? (id, on) => { this.#selected[on ? "add" : "delete"](id); this.#drawSelected(); } : null,
      selectAll: (on) => this.#select(on ? this.list.rows.map(({ id }) => id) : []),
      restore: supervises ? (ticket) => this.#restore(ticket) : null,
    });
    this.trouble = h("div", { "aria-live": "polite" });
    this.card = h("div", { class: "card" }, empty("One moment", "Reading the tickets…"));
    this.foot = h("div", { class: "row list-foot" });
    this.voice = h("p", { class: "visually-hidden", role: "status", "aria-live": "polite" });
    this.csv = may(user, "admin") ? h("a", { class: "button", download: "tickets.csv" }, icon("down", 16), "CSV") : null;
    const add = h("button", { type: "button", class: "button button-main", onclick: () => newTicket(user, (ticket) => go(`/admin/tickets/${ticket.number}`)) }, icon("plus", 16), "New ticket");
    root.append(
      h("header", { class: "page-head" }, h("div", {}, h("h1", {}, "Tickets"), h("p", {}, "What people ask for, who works on it, and where it stands.")), linePill(signal), this.csv, add),
      this.views.node, this.bar.node, this.trouble, this.bulk.node, this.card, this.foot, this.voice);
    this.#listen();
    directory.load().catch((error) => fill(this.trouble, note("bad", sentence(error))));
    const { filters, page } = readAddress();
    this.#show(filters, page, { replace: true, quiet: true });
  }

  #listen() {
    const late = { signal: this.signal };
    this.list.addEventListener("changed", ({ detail }) => this.#draw(detail), late);
    this.list.addEventListener("trouble", ({ detail }) => fill(this.trouble, detail && note("bad", sentence(detail))), late);
    const redraw = () => {
      this.later ??= requestAnimationFrame(() => {
        this.later = null;
        this.rows.redraw();
      });
    };
    people.addEventListener("learned", redraw, late);
    directory.addEventListener("changed", redraw, late);
    const timer = setInterval(() => this.#speak(), SPEAK_MS);
    this.signal.addEventListener("abort", () => clearInterval(timer));
  }

  /** Other filters or another page: the one time the list is asked for. */
  #show(filters, page, { replace = false, quiet = false } = {}) {
    const to = writeAddress(filters, page);
    if (!quiet && to !== location.pathname + location.search) history[replace ? "replaceState" : "pushState"](null, "", to);
    this.views.set(filters);
    this.bar.set(filters);
    this.csv?.setAttribute("href", address(`/tickets.csv${query({ ...filters, sort: null })}`));
    this.#select([]);
    this.card.setAttribute("aria-busy", "true");
    this.list.load(filters, page);
  }

  #select(ids) {
    this.#selected = new Set(ids);
    this.#drawSelected();
  }

  #drawSelected() {
    const here = new Set(this.list.rows.map(({ id }) => id));
    for (const id of this.#selected) if (!here.has(id)) this.#selected.delete(id);
    this.rows.tick(this.#selected);
    this.bulk.set([...this.#selected]);
  }

  #draw(fresh) {
    const { rows, ready } = this.list;
    if (!ready) return;
    this.card.removeAttribute("aria-busy");
    directory.look(rows.flatMap((row) => [row.requester_id, row.assignee_id]));
    this.rows.show(rows, fresh);
    if (rows.length) {
      if (!this.rows.node.isConnected) fill(this.card, this.rows.node);
    } else {
      fill(this.card, this.#nothing());
    }
    this.#drawSelected();
    this.#drawFoot();
    this.#news += fresh.length;
  }

  #nothing() {
    const { total, filters } = this.list;
    if (total > 0) return empty("Nothing left on this page", "Its tickets moved to other pages.", h("button", { type: "button", class: "button button-main", onclick: () => this.#show(filters, 1) }, "Go to the first page"));
    if (String(filters.deleted) === "true") return empty("Nothing was deleted", "Deleted tickets wait here until somebody restores them.");
    const narrow = Object.keys(filters).some((name) => name !== "sort");
    return empty(narrow ? "No tickets like that" : "No tickets yet", narrow ? "A ticket that fits will appear here by itself." : "The first one will appear here the moment somebody opens it.");
  }

  #drawFoot() {
    const { total, atLeast, page, pages, rows, moved, filters } = this.list;
    const first = (page - 1) * PER_PAGE + 1;
    const turn = (to, words, sign) => h("button", { type: "button", class: "button button-s", "aria-label": words, disabled: to < 1 || to > pages, onclick: () => { this.#show(filters, to); scrollTo(0, 0); } }, sign);
    const words = total === 0 ? "" : rows.length === 0 ? `${count(total)} tickets` : `${count(first)}–${count(first + rows.length - 1)} of ${atLeast ? "at least " : ""}${count(total)}`;
    fill(this.foot, h("span", { class: "quiet small" }, words),
      moved && h("button", { type: "button", class: "button button-s", onclick: () => this.#show(filters, page, { replace: true }) }, icon("again", 14), "Pages have moved on: show this one as it is now"),
      pages > 1 && h("span", { class: "row push" }, turn(page - 1, "Previous page", "Previous"), h("span", { class: "small quiet" }, `Page ${count(page)} of ${count(pages)}`), turn(page + 1, "Next page", "Next")));
    this.foot.hidden = total === 0;
  }

  async #restore(ticket) {
    try {
      await api.post(`/tickets/${ticket.id}/restore`);
      toast(`Ticket #${ticket.number} is back`);
    } catch (error) {
      fill(this.trouble, note("bad", sentence(error)));
    }
  }

  #speak() {
    if (!this.#news) return;
    this.voice.textContent = this.#news === 1 ? "One ticket changed." : `${this.#news} tickets changed.`;
    this.#news = 0;
  }
}

export default {
  title: "Tickets",
  mount: (root, ctx) => void new TicketsView(root, ctx),
};
