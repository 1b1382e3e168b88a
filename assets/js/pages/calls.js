// The list of calls: filters, pages, what nobody returned. Kept true by events, not by asking.

import { address, query, sentence } from "../api.js";
import { CallFilters } from "../calls/filter-bar.js";
import { asked, readAddress, writeAddress } from "../calls/filters.js";
import { CallList } from "../calls/list.js";
import { CallRows } from "../calls/rows.js";
import { directory } from "../directory.js";
import { empty, fill, h, icon, note } from "../dom.js";
import { PER_PAGE } from "../live-list.js";
import { people } from "../people.js";
import { may } from "../roles.js";
import { linePill } from "../shell.js";
import { count } from "../time.js";

class CallsView {
  constructor(root, { user, go, signal }) {
    this.user = user;
    this.list = new CallList(user, signal);
    this.bar = new CallFilters(user, (filters) => this.#show(filters, 1, { replace: true }), signal);
    this.rows = new CallRows({ go, mayReturn: () => this.list.filters.returned === "false" });
    this.trouble = h("div", { "aria-live": "polite" });
    this.card = h("div", { class: "card" }, empty("One moment", "Reading the calls…"));
    this.foot = h("div", { class: "row list-foot" });
    this.csv = may(user, "supervisor") ? h("a", { class: "button", download: "calls.csv" }, icon("down", 16), "CSV") : null;
    root.append(
      h("header", { class: "page-head" }, h("div", {}, h("h1", {}, "Calls"), h("p", {}, "Who called, who answered, how long it took, and what came of it.")), linePill(signal), this.csv),
      this.bar.node, this.trouble, this.card, this.foot);
    const late = { signal };
    this.list.addEventListener("changed", ({ detail }) => this.#draw(detail), late);
    this.list.addEventListener("trouble", ({ detail }) => fill(this.trouble, detail && note("bad", sentence(detail), ...Object.values(detail.fields ?? {}))), late);
    people.addEventListener("learned", () => {
      this.later ??= requestAnimationFrame(() => {
        this.later = null;
        this.#draw([]);
      });
    }, late);
    directory.load().catch((error) => fill(this.trouble, note("bad", sentence(error))));
    const { filters, page } = readAddress();
    this.#show(filters, page, { replace: true, quiet: true });
  }

  /** Other filters or another page: the one time the list is asked for. */
  #show(filters, page, { replace = false, quiet = false } = {}) {
    const to = writeAddress(filters, page);
    if (!quiet && to !== location.pathname + location.search) history[replace ? "replaceState" : "pushState"](null, "", to);
    this.bar.set(filters);
    this.csv?.setAttribute("href", address(`/calls.csv${query(asked(filters))}`));
    this.card.setAttribute("aria-busy", "true");
    this.list.load(filters, page);
  }

  #draw(fresh) {
    const { rows, ready } = this.list;
    if (!ready) return;
    this.card.removeAttribute("aria-busy");
    directory.look(rows.flatMap((row) => [row.customer_id, row.agent_id]));
    this.rows.show(rows, fresh);
    if (!rows.length) fill(this.card, this.#nothing());
    else if (!this.rows.node.isConnected) fill(this.card, this.rows.node);
    this.#drawFoot();
  }

  #nothing() {
    const { total, filters } = this.list;
    if (total > 0) return empty("Nothing left on this page", "Its calls moved to other pages.", h("button", { type: "button", class: "button button-main", onclick: () => this.#show(filters, 1) }, "Go to the first page"));
    if (filters.returned === "false") return empty("Everybody was called back", "Who is missed from now on will appear here by itself.");
    const narrow = Object.keys(filters).length > 0;
    return empty(narrow ? "No calls like that" : "No calls yet", narrow ? "A call that fits will appear here by itself." : "The first one will appear here the moment somebody calls.");
  }

  #drawFoot() {
    const { total, atLeast, page, pages, rows, moved, filters } = this.list;
    const first = (page - 1) * PER_PAGE + 1;
    const turn = (to, words, sign) => h("button", { type: "button", class: "button button-s", "aria-label": words, disabled: to < 1 || to > pages, onclick: () => { this.#show(filters, to); scrollTo(0, 0); } }, sign);
    const words = total === 0 ? "" : rows.length === 0 ? `${count(total)} calls` : `${count(first)}–${count(first + rows.length - 1)} of ${atLeast ? "at least " : ""}${count(total)}`;
    fill(this.foot, h("span", { class: "quiet small" }, words),
      moved && h("button", { type: "button", class: "button button-s", onclick: () => this.#show(filters, page, { replace: true }) }, icon("again", 14), "Calls have moved on: show this page as it is now"),
      pages > 1 && h("span", { class: "row push" }, turn(page - 1, "Previous page", "Previous"), h("span", { class: "small quiet" }, `Page ${count(page)} of ${count(pages)}`), turn(page + 1, "Next page", "Next")));
    this.foot.hidden = total === 0 && !moved;
  }
}

export default { title: "Calls", mount: (root, ctx) => void new CallsView(root, ctx) };
