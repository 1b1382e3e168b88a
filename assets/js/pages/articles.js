// The knowledge base as staff see it: every article, filtered and searched, kept true by events.

import { api, query, sentence } from "../api.js";
import { empty, fill, h, icon, note } from "../dom.js";
import { feed, listen } from "../feed.js";
import { categories, helped, STATES, stateBadges } from "../kb.js";
import { Keyed } from "../keyed.js";
import { nameOf, people } from "../people.js";
import { firstWords } from "../prose.js";
import { may } from "../roles.js";
import { count, since } from "../time.js";
import { editCategories } from "./article-categories.js";

const PAGE = 50;
const SEARCH_MS = 200;
const FILTERS = [["", "All"], ["draft", "Drafts"], ["published", "Published"], ["archived", "Archived"]];

class ArticlesView {
  #shown = new Map();
  #page = 1;
  #asked = 0;

  constructor(root, { user, go, signal }) {
    this.user = user;
    this.go = go;
    this.signal = signal;
    this.filter = { status: "", category_id: "", q: "" };
    this.names = new Map();
    this.trouble = h("div");
    this.body = h("tbody");
    this.rows = new Keyed(this.body, (article) => this.#row(article), {
      mark: (a) => [a.version, a.views, a.helpful_yes, a.helpful_no, this.names.get(a.category_id), nameOf(a.author_id)].join(),
    });
    this.table = h("table", { class: "table" }, h("caption", { class: "visually-hidden" }, "Articles"),
      h("thead", {}, h("tr", {}, ["Article", "State", "Category", "Readers", "Changed"].map((name) => h("th", { scope: "col" }, name)))), this.body);
    this.card = h("div", { class: "card" }, empty("One moment", "Reading the shelves…"));
    this.more = h("button", { type: "button", class: "button", hidden: true, onclick: () => this.#load(this.#page + 1) }, "Show more");
    this.says = h("p", { class: "visually-hidden", role: "status" });
    root.append(this.#head(), this.trouble, this.#tools(), this.card, h("div", { class: "row" }, this.more), this.says);
    listen((event) => this.#hear(event), signal);
    feed.addEventListener("resync", () => this.#load(1), { signal });
    people.addEventListener("learned", () => this.#draw(), { signal });
    this.#readCategories();
    this.#load(1);
  }

  #head() {
    const arrange = may(this.user, "supervisor") && h("button", { type: "button", class: "button", onclick: () => editCategories({ done: () => this.#readCategories() }) }, "Categories");
    return h("header", { class: "page-head" },
      h("div", {}, h("h1", {}, "Knowledge base"), h("p", {}, "What is asked often, answered once.")),
      h("div", { class: "row" }, arrange, h("a", { class: "button button-main", href: "/admin/articles/new" }, icon("plus", 16), "New article")));
  }

  #tools() {
    const choices = h("div", { class: "choices" }, FILTERS.map(([status, words]) => h("label", { class: `choice plain tone-${STATES[status]?.tone ?? "quiet"}` },
      h("input", { type: "radio", name: "status", value: status, checked: status === "", onchange: () => this.#choose({ status }) }), h("span", {}, words))));
    this.select = h("select", { class: "input", "aria-label": "Category", onchange: () => this.#choose({ category_id: this.select.value }) }, h("option", { value: "" }, "All categories"));
    let timer = null;
    const search = h("input", {
      class: "input", type: "search", "aria-label": "Search articles", placeholder: "Search articles", maxlength: "100",
      oninput: () => {
        clearTimeout(timer);
        timer = setTimeout(() => this.#choose({ q: search.value.trim() }), SEARCH_MS);
      },
    });
    return h("div", { class: "tools" }, h("fieldset", {}, h("legend", { class: "visually-hidden" }, "State"), choices), h("div", { class: "search" }, icon("search", 16), search), this.select);
  }

  #choose(change) {
    this.filter = { ...this.filter, ...change };
    this.#load(1);
  }

  async #readCategories() {
    try {
      const all = await categories(this.signal);
      this.names = new Map(all.map(({ id, name }) => [id, name]));
      fill(this.select, h("option", { value: "" }, "All categories"), all.map(({ id, name }) => h("option", { value: id, selected: id === this.filter.category_id }, name)));
      this.#draw();
    } catch (error) {
      if (!this.signal.aborted) fill(this.trouble, note("bad", sentence(error)));
    }
  }

  /** Reads a page; a search finds whole articles by their ids, the best first. */
  async #load(page) {
    this.#asked += 1;
    const mine = this.#asked;
    const { q, ...filter } = this.filter;
    try {
      const { data, meta } = q ? await this.#search(q) : await api.get(`/kb/articles${query({ ...filter, page, per_page: PAGE })}`, { signal: this.signal });
      if (mine !== this.#asked) return;
      if (page === 1) this.#shown.clear();
      for (const article of data ?? []) this.#shown.set(article.id, article);
      this.#page = page;
      this.more.hidden = page >= (meta.total_pages ?? 1);
      fill(this.trouble);
      this.says.textContent = `${this.#shown.size} shown`;
      this.ready = true;
      this.#draw();
    } catch (error) {
      if (!this.signal.aborted && mine === this.#asked) fill(this.trouble, note("bad", sentence(error)));
    }
  }

  async #search(q) {
    const { data: found } = await api.get(`/search${query({ q, in: "articles", limit: 25 })}`, { signal: this.signal });
    const read = ({ id }) => api.get(`/kb/articles/${id}`, { signal: this.signal }).then(({ data }) => data, (error) => {
      if (error.status !== 404) throw error;
      return null;
    });
    const all = await Promise.all((found ?? []).map(read));
    return { data: all.filter((article) => article && this.#fits(article)), meta: {} };
  }

  #fits({ status, category_id: category }) {
    const { filter } = this;
    return (!filter.status || filter.status === status) && (!filter.category_id || filter.category_id === category);
  }

  #hear({ type, data }) {
    if (!type.startsWith("kb_article.") || !this.ready) return;
    const known = this.#shown.get(data.id);
    if (known && known.version > data.version) return;
    this.#shown.delete(data.id);
    const stays = !data.deleted_at && this.#fits(data);
    // A search cannot tell what it would find now; it keeps what it found.
    if (stays && this.filter.q && known) this.#shown.set(data.id, data);
    else if (stays && !this.filter.q) this.#shown = new Map([[data.id, data], ...this.#shown]);
    this.#draw(data.id);
  }

  #draw(fresh = null) {
    if (!this.ready) return;
    const all = [...this.#shown.values()];
    this.rows.draw(all);
    if (fresh) this.rows.node(fresh)?.classList.add("fresh");
    if (all.length) {
      if (!this.table.isConnected) fill(this.card, this.table);
      return;
    }
    const filtered = Object.values(this.filter).some(Boolean);
    fill(this.card, filtered
      ? empty("Nothing of that kind", "No article fits what you asked for.")
      : empty("Nothing on the shelves yet", "Write the first article: what do people ask again and again?", h("a", { class: "button button-main", href: "/admin/articles/new" }, icon("plus", 16), "New article")));
  }

  #row(article) {
    const path = `/admin/articles/${article.id}`;
    const about = firstWords(article.excerpt || article.body, 110);
    const line = h("tr", { class: "opens" },
      h("td", {}, h("a", { class: "hook-name", href: path, dir: "auto" }, article.title), about && h("span", { class: "about", dir: "auto" }, about)),
      h("td", {}, h("span", { class: "row" }, stateBadges(article))),
      h("td", {}, this.names.get(article.category_id) ?? ""),
      h("td", { "data-name": "Readers" }, h("span", { title: helped(article) }, count(article.views), article.helpful_yes + article.helpful_no > 0 && h("small", { class: "quiet nowrap" }, ` · ${article.helpful_yes}/${article.helpful_yes + article.helpful_no} helped`))),
      h("td", { class: "nowrap" }, since(article.updated_at, "", " ago"), h("small", { class: "quiet by-author" }, nameOf(article.author_id))));
    line.addEventListener("click", (event) => {
      if (!event.target.closest("a") && !getSelection()?.toString()) this.go(path);
    });
    return line;
  }
}

export default { title: "Knowledge base", mount: (root, ctx) => void new ArticlesView(root, ctx) };
