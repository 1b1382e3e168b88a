// A customer's own requests, kept true by their events.

import { api, query, sentence } from "../../api.js";
import { empty, fill, h, icon, note } from "../../dom.js";
import { feed, listen } from "../../feed.js";
import { Keyed } from "../../keyed.js";
import { firstWords } from "../../prose.js";
import { isOpen, stateBadge } from "../../requests.js";
import { since } from "../../time.js";

const PAGE = 50;
const FILTERS = [["", "All"], ["open,in_progress,pending,on_hold", "Open"], ["resolved,closed", "Done"]];

class Requests {
  #shown = new Map();
  #page = 1;
  #asked = 0;
  #gone = new Set();

  constructor(root, { user, signal }) {
    this.user = user;
    this.signal = signal;
    this.status = "";
    this.trouble = h("div");
    this.list = h("ul", { class: "requests", "aria-label": "My requests" });
    this.rows = new Keyed(this.list, (one) => this.#row(one));
    this.blank = h("div", { class: "card" }, empty("One moment", "Fetching your requests…"));
    this.more = h("button", { type: "button", class: "button", hidden: true, onclick: () => this.#load(this.#page + 1) }, "Show more");
    this.says = h("p", { class: "visually-hidden", role: "status" });
    const choices = h("fieldset", {}, h("legend", { class: "visually-hidden" }, "Which requests"), h("div", { class: "choices" }, FILTERS.map(([status, words]) => h("label", { class: "choice plain" },
      h("input", { type: "radio", name: "status", checked: status === "", onchange: () => { this.status = status; this.#load(1); } }), h("span", {}, words)))));
    root.append(
      h("header", { class: "page-head" }, h("div", {}, h("h1", {}, `Hello, ${user.name.split(/\s+/)[0]}`), h("p", {}, "Your requests, and how they stand.")),
        h("a", { class: "button button-main", href: "/help/new" }, icon("plus", 16), "New request")),
      choices, this.trouble, this.list, this.blank, h("div", { class: "row centred" }, this.more), this.says);
    listen((event) => this.#hear(event), signal);
    feed.addEventListener("resync", () => this.#load(1), { signal });
    this.#load(1);
  }

  async #load(page) {
    this.#asked += 1;
    const mine = this.#asked;
    try {
      const { data, meta } = await api.get(`/tickets${query({ status: this.status, sort: "-updated_at", page, per_page: PAGE })}`, { signal: this.signal });
      if (mine !== this.#asked) return;
      if (page === 1 && this.ready) this.#shown.clear();
      for (const one of data ?? []) this.#put(one);
      this.#page = page;
      this.more.hidden = page >= (meta.total_pages ?? 1);
      this.ready = true;
      fill(this.trouble);
      this.#draw();
    } catch (error) {
      if (this.signal.aborted || mine !== this.#asked) return;
      fill(this.trouble, note("bad", sentence(error)));
      if (!this.ready) fill(this.blank);
    }
  }

  #put(one) {
    if (this.#gone.has(one.id) || (this.#shown.get(one.id)?.version ?? 0) > one.version) return;
    this.#shown.set(one.id, one);
  }

  #hear({ type, data }) {
    if (!type.startsWith("ticket.")) return;
    const mine = data.requester_id === this.user.id || data.followers?.includes(this.user.id);
    const fits = !this.status || this.status.split(",").includes(data.status);
    if (data.deleted_at) this.#gone.add(data.id);
    else this.#gone.delete(data.id);
    if (mine && fits && !data.deleted_at) this.#put(data);
    else this.#shown.delete(data.id);
    this.#draw();
    this.rows.node(data.id)?.classList.add("fresh");
    this.says.textContent = `Request ${data.number} changed`;
  }

  #draw() {
    if (!this.ready) return;
    const all = [...this.#shown.values()].sort((a, b) => b.updated_at.localeCompare(a.updated_at));
    this.rows.draw(all);
    this.list.hidden = !all.length;
    this.blank.hidden = all.length > 0;
    fill(this.blank, !all.length && (this.status
      ? empty("None of these", "You have no requests of this kind.")
      : empty("No requests yet", "When you need us, ask here. You will see every answer the moment it is written.",
        h("a", { class: "button button-main", href: "/help/new" }, icon("plus", 16), "New request"), h("a", { class: "button button-plain", href: "/help/articles" }, "Look through the articles"))));
  }

  #row(one) {
    const said = one.comment_count === 1 ? "1 message" : `${one.comment_count} messages`;
    return h("li", { class: `request card${isOpen(one) ? "" : " is-done"}` },
      h("div", { class: "request-words" },
        h("h2", {}, h("a", { href: `/help/tickets/${one.number}`, dir: "auto" }, one.subject)),
        h("p", { class: "quiet about", dir: "auto" }, firstWords(one.description, 120)),
        h("p", { class: "small quiet card-foot" }, h("span", {}, `#${one.number}`), h("span", {}, said), since(one.updated_at, "changed ", " ago"))),
      stateBadge(one));
  }
}

export default { title: "My requests", mount: (root, ctx) => void new Requests(root, ctx) };
