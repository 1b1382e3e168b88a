// Reading the knowledge base, signed in or not: the shelves with a search, and one article.

import { api, ApiError, query, sentence } from "./api.js";
import { empty, fill, h, icon, note } from "./dom.js";
import { Files } from "./files.js";
import { Keyed } from "./keyed.js";
import { firstWords, prose } from "./prose.js";
import { toMs } from "./time.js";

const PAGE = 30;
const SEARCH_MS = 200;
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });

/** Text with its matches marked: they stand between the two characters that isolate text. */
export function marked(snippet) {
  return String(snippet ?? "").split(/(\u2068[^\u2068\u2069]*\u2069)/).filter(Boolean)
    .map((part) => (part.startsWith("\u2068") ? h("mark", {}, part.slice(1, -1)) : part.replaceAll(/[\u2068\u2069]/g, "")));
}

/** Whether an article may be read by everybody. */
export const isOpen = (article) => article.status === "published" && article.visibility === "public" && !article.deleted_at;

/** What stands where an article was, or never has been. */
export function gone(root, back) {
  fill(root, h("div", { class: "card" }, empty("No such article", "It may have been moved or withdrawn.", h("a", { class: "button", href: back }, "All articles"))));
}

/** What a list shows of an article that an event brought. */
const listed = (article) => ({ ...article, excerpt: article.excerpt || String(article.body ?? "").slice(0, 300) });

/**
 * The shelves: a search, the categories and what stands in them. `linkOf(slug)` gives the path of an
 * article, `tenant` names whose they are where that must be said; `named(name)` hears the tenant's name.
 */
export class Shelves {
  #shown = new Map();
  #page = 1;
  #asked = 0;

  constructor({ linkOf, tenant = "", signal, named = () => {}, failed = () => false }) {
    Object.assign(this, { linkOf, tenant, signal, named, failed });
    const asked = new URLSearchParams(location.search);
    this.filter = { q: (asked.get("q") ?? "").slice(0, 100), category_id: asked.get("category") ?? "" };
    let timer = null;
    this.search = h("input", {
      class: "input", type: "search", "aria-label": "Search the articles", placeholder: "What are you looking for?", maxlength: "100", value: this.filter.q,
      oninput: () => {
        clearTimeout(timer);
        timer = setTimeout(() => this.#choose({ q: this.search.value.trim() }), SEARCH_MS);
      },
    });
    this.shelves = h("div", { class: "shelves", role: "group", "aria-label": "Categories" });
    this.list = h("ul", { class: "articles" });
    this.rows = new Keyed(this.list, (one) => this.#row(one), { key: ({ slug }) => slug, mark: (one) => `${one.updated_at}${one.snippet ?? ""}` });
    this.blank = h("div", {}, empty("One moment", "Looking through the shelves…"));
    this.trouble = h("div");
    this.more = h("button", { type: "button", class: "button", hidden: true, onclick: () => this.#load(this.#page + 1) }, "Show more");
    this.says = h("p", { class: "visually-hidden", role: "status" });
    this.node = h("div", { class: "stack" },
      h("search", { class: "search search-big" }, icon("search", 19), this.search), this.shelves, this.trouble, this.list, this.blank, h("div", { class: "row centred" }, this.more), this.says);
    this.#load(1);
  }

  #choose(change) {
    this.filter = { ...this.filter, ...change };
    // What is looked at can be sent to somebody else.
    const said = query({ tenant: this.tenant, q: this.filter.q, category: this.filter.category_id });
    history.replaceState(history.state, "", location.pathname + said);
    this.#load(1);
  }

  async #load(page) {
    this.#asked += 1;
    const mine = this.#asked;
    try {
      const { data, meta } = await api.get(`/kb/public${query({ ...this.filter, tenant: this.tenant, page, per_page: PAGE })}`, { signal: this.signal, quiet401: true });
      if (mine !== this.#asked) return;
      if (page === 1) this.#shown.clear();
      for (const one of data ?? []) this.#shown.set(one.slug, one);
      this.#page = page;
      this.more.hidden = page >= (meta.total_pages ?? 1);
      this.named(meta.tenant);
      this.#drawShelves(meta.categories ?? []);
      fill(this.trouble);
      this.#draw();
      this.says.textContent = this.filter.q ? `${this.#shown.size} found` : "";
    } catch (error) {
      if (this.signal.aborted || mine !== this.#asked || this.failed(error)) return;
      fill(this.blank);
      fill(this.trouble, note("bad", sentence(error)));
    }
  }

  #drawShelves(all) {
    const one = (id, name) => h("button", {
      type: "button", class: "shelf-chip", "aria-pressed": String(this.filter.category_id === id), onclick: () => this.#choose({ category_id: id }),
    }, name);
    const had = this.shelves.contains(document.activeElement);
    fill(this.shelves, all.length > 0 && [one("", "Everything"), all.map(({ id, name }) => one(id, name))]);
    if (had) this.shelves.querySelector("[aria-pressed=true]")?.focus();
    this.names = new Map(all.map(({ id, name }) => [id, name]));
  }

  /** An article changed: what is shown follows, where it can be told. */
  hear({ type, data }) {
    if (!type.startsWith("kb_article.") || !this.names) return;
    const known = [...this.#shown.values()].find(({ slug, id }) => (id ? id === data.id : slug === data.slug));
    const { q, category_id: category } = this.filter;
    const fits = isOpen(data) && (!category || category === data.category_id);
    if (known) this.#shown.delete(known.slug);
    if (fits && known && q) this.#shown.set(data.slug, { ...listed(data), snippet: known.snippet });
    else if (fits && !q) this.#shown = new Map([[data.slug, listed(data)], ...this.#shown]);
    this.#draw();
  }

  #draw() {
    const all = [...this.#shown.values()];
    this.rows.draw(all);
    this.list.hidden = !all.length;
    const { q, category_id: category } = this.filter;
    fill(this.blank, !all.length && (q || category
      ? empty("Nothing found", "Try other words, or fewer of them.")
      : empty("Nothing here yet", "Articles will appear here once they are published.")));
  }

  #row(one) {
    return h("li", { class: "article-card card" },
      h("h2", {}, h("a", { href: this.linkOf(one.slug), dir: "auto" }, one.title)),
      h("p", { class: "quiet", dir: "auto" }, one.snippet ? marked(one.snippet) : firstWords(one.excerpt, 170)),
      h("p", { class: "small quiet card-foot" }, this.names?.has(one.category_id) && h("span", {}, this.names.get(one.category_id)), h("span", {}, `Updated ${day.format(toMs(one.updated_at))}`)));
  }
}

/**
 * Fills `root` with the article `slug` and says its title by `titled(article)`. Whoever is signed in
 * (`user`) may say whether it helped; `failed(error)` may show an error in its own way.
 */
export async function showArticle(root, slug, { user = null, tenant = "", back, signal, titled = () => {}, failed = () => false }) {
  const box = h("div", { class: "card" }, empty("One moment", "Opening the article…"));
  fill(root, box);
  try {
    const { data, meta } = await api.get(`/kb/public/${encodeURIComponent(slug)}${query({ tenant })}`, { signal, quiet401: true });
    titled(data, meta.tenant);
    const files = user && data.id ? filesOf(data, signal) : null;
    fill(root, h("article", { class: "reading" },
      h("header", {}, h("p", { class: "crumb" }, h("a", { href: back }, "All articles")), h("h1", { dir: "auto" }, data.title),
        h("p", { class: "small quiet" }, `Updated ${day.format(toMs(data.updated_at))}`)),
      prose(data.body, "markdown", 2), files?.node, data.tags.length > 0 && h("p", { class: "kinds" }, data.tags.map((tag) => h("span", { class: "tag" }, tag))),
      user && data.id ? vote(data, signal) : null));
    return data;
  } catch (error) {
    if (signal.aborted || failed(error)) return null;
    const missing = error instanceof ApiError && error.status === 404;
    if (missing) gone(root, back);
    else fill(box, h("div", { class: "card-pad" }, note("bad", sentence(error))));
    titled({ title: missing ? "No such article" : "Article" });
    return null;
  }
}

function filesOf(article, signal) {
  const files = new Files(`/kb/articles/${article.id}`, { signal, mayDelete: () => false });
  files.load().catch(() => {});
  return files;
}

/** Yes or no, once more if somebody changes their mind. */
function vote(article, signal) {
  const says = h("p", { role: "status" }, "Did this help?");
  const buttons = new Map();
  const say = async (helpful) => {
    try {
      await api.post(`/kb/articles/${article.id}/vote`, { helpful }, { signal });
      for (const [mine, button] of buttons) button.setAttribute("aria-pressed", String(mine === helpful));
      says.textContent = helpful ? "Good to hear. Thank you!" : "Thank you for saying so. You can always ask us.";
    } catch (error) {
      if (!signal.aborted) says.textContent = sentence(error);
    }
  };
  for (const [helpful, sign, words] of [[true, "yes", "Yes"], [false, "no", "No"]]) {
    buttons.set(helpful, h("button", { type: "button", class: "button", "aria-pressed": "false", onclick: () => say(helpful) }, icon(sign, 17), words));
  }
  return h("div", { class: "vote card" }, says, h("div", { class: "row" }, [...buttons.values()]));
}
