// Writing an article: text with a preview, its place and readers, and what to do when two people write.

import { api, ApiError, sentence } from "../api.js";
import { ask } from "../dialog.js";
import { empty, fill, h, icon, note, toast } from "../dom.js";
import { fileButton, Files, refusal } from "../files.js";
import { feed, listen } from "../feed.js";
import { field, fieldError, input, onSubmit } from "../form.js";
import { categories, helped, keepDraft, keptDraft, stateBadges } from "../kb.js";
import { nameOf } from "../people.js";
import { prose } from "../prose.js";
import { count, moment } from "../time.js";

const FIELDS = ["title", "body", "excerpt", "category_id", "visibility", "tags"];
const NEW = { title: "", body: "", excerpt: "", category_id: null, visibility: "public", tags: [], status: "draft", version: 0 };

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const pick = (article) => Object.fromEntries(FIELDS.map((name) => [name, article[name] ?? null]));

class Editor {
  #saving = false;
  #early = [];

  constructor(root, { params, go, signal }) {
    this.go = go;
    this.signal = signal;
    this.key = params.id ?? "new";
    this.box = h("div", { class: "stack" }, h("div", { class: "card" }, empty("One moment", "Fetching the article…")));
    this.heading = h("h1", {}, params.id ? "Article" : "New article");
    this.badges = h("span", { class: "row" });
    root.append(
      h("header", { class: "page-head" }, h("div", {}, h("p", { class: "crumb" }, h("a", { href: "/admin/articles" }, "Knowledge base")), this.heading), this.badges),
      this.box);
    // A page that is closed cannot be come back to; another page of ours can.
    addEventListener("beforeunload", (event) => this.article && this.#dirty() && event.preventDefault(), { signal });
    signal.addEventListener("abort", () => this.article && keepDraft(this.key, this.#dirty() ? { fields: this.#read(), version: this.article.version } : null));
    listen((event) => this.#hear(event), signal);
    feed.addEventListener("resync", () => this.article?.id && this.#reread(), { signal });
    this.#begin(params.id);
  }

  async #begin(id) {
    try {
      const [shelves, found] = await Promise.all([categories(this.signal), id ? api.get(`/kb/articles/${encodeURIComponent(id)}`, { signal: this.signal }) : { data: NEW }]);
      this.article = found.data;
      this.#build(shelves);
      this.#write(this.article);
      this.#restore();
      for (const event of this.#early.splice(0)) this.#hear(event);
    } catch (error) {
      if (this.signal.aborted) return;
      const gone = error.status === 404 || error.status === 422;
      fill(this.box, h("div", { class: "card" }, gone
        ? empty("No such article", "It was deleted, or never was.", h("a", { class: "button", href: "/admin/articles" }, "All articles"))
        : h("div", { class: "card-pad" }, note("bad", sentence(error)))));
    }
  }

  #build(shelves) {
    this.title = input({ name: "title", maxlength: "255", dir: "auto", class: "input title-input", placeholder: "What would somebody ask?" });
    this.body = h("textarea", { class: "input body-input", name: "body", rows: "18", dir: "auto", placeholder: "Answer it. Markdown: **bold**, lists, ## headings, [links](https://…)" });
    this.excerpt = h("textarea", { class: "input", name: "excerpt", rows: "3", maxlength: "500", dir: "auto" });
    this.category = h("select", { class: "input", name: "category_id" }, h("option", { value: "" }, "None"), shelves.map(({ id, name }) => h("option", { value: id }, name)));
    this.visibility = h("select", { class: "input", name: "visibility" }, h("option", { value: "public" }, "Everybody"), h("option", { value: "internal" }, "Staff only"));
    this.tags = input({ name: "tags", placeholder: "printer, labels" });
    this.trouble = h("div");
    this.says = h("p", { class: "small quiet", role: "status" });
    this.deeds = h("div", { class: "row" });
    this.facts = h("dl", { class: "side-facts" });
    this.form = h("form", { class: "writing" },
      h("div", { class: "writing-main" }, this.trouble, field("title", "Title", this.title), this.#text(), this.#files(), h("div", { "data-message": true }), h("div", { class: "row writing-deeds" }, this.deeds, this.says)),
      h("div", { class: "writing-side card card-pad" },
        field("visibility", "Who may read it", this.visibility), field("category_id", "Category", this.category),
        field("tags", "Tags", this.tags, "With commas between them."), field("excerpt", "In a line or two", this.excerpt, "Shown in lists. Without it, the beginning of the text is."), this.facts));
    this.form.addEventListener("input", () => this.#changed());
    onSubmit(this.form, () => this.#save({}));
    fill(this.box, this.form);
  }

  #text() {
    const preview = h("div", { class: "preview card", tabindex: "0", role: "region", "aria-label": "Preview", hidden: true });
    const box = field("body", "Text", this.body);
    const show = (yes) => {
      preview.hidden = !yes;
      this.body.hidden = yes;
      if (yes) fill(preview, this.body.value.trim() ? prose(this.body.value, "markdown", 2) : h("p", { class: "quiet" }, "Nothing written yet."));
    };
    const radio = (yes, words) => h("label", { class: "choice plain" }, h("input", { type: "radio", name: "look", checked: !yes, onchange: () => show(yes) }), h("span", {}, words));
    const label = box.querySelector("label");
    label.className = "label";
    const row = h("div", { class: "row" });
    label.before(row);
    row.append(label, h("fieldset", { class: "push" }, h("legend", { class: "visually-hidden" }, "Text or preview"), h("div", { class: "choices choices-s" }, radio(false, "Write"), radio(true, "Preview"))));
    box.append(preview);
    return box;
  }

  /** Files hang on an article that is stored already. */
  #files() {
    this.files = null;
    if (!this.article.id) return null;
    this.files = new Files(`/kb/articles/${this.article.id}`, { signal: this.signal, mayDelete: () => true });
    const trouble = h("div");
    const add = (files) => {
      const bad = files.filter((file) => refusal(file));
      fill(trouble, bad.length > 0 && note("bad", ...bad.map((file) => `${file.name}: ${refusal(file)}`)));
      for (const file of files) if (!refusal(file)) this.files.add(file);
    };
    this.files.load().catch((error) => !this.signal.aborted && fill(trouble, note("bad", sentence(error))));
    return h("div", { class: "stack article-files" }, this.files.node, trouble, h("div", { class: "row" }, fileButton("Add files", add)));
  }

  #read() {
    const tags = this.tags.value.split(",").map((tag) => tag.trim()).filter(Boolean);
    return {
      title: this.title.value, body: this.body.value, excerpt: this.excerpt.value,
      category_id: this.category.value || null, visibility: this.visibility.value, tags: [...new Set(tags)],
    };
  }

  #put(fields) {
    this.title.value = fields.title;
    this.body.value = fields.body;
    this.excerpt.value = fields.excerpt;
    this.category.value = fields.category_id ?? "";
    this.visibility.value = fields.visibility;
    this.tags.value = fields.tags.join(", ");
  }

  /** Shows an article as it is stored. */
  #write(article) {
    this.article = article;
    this.#put(article);
    this.#drawAround();
    this.#changed();
  }

  #drawAround() {
    const { article } = this;
    if (article.id) this.heading.textContent = article.title;
    if (article.id) document.title = `${article.title} · Deskbell`;
    fill(this.badges, article.id && stateBadges(article));
    const does = (words, status, className = "") => h("button", { type: "button", class: `button ${className}`, onclick: () => this.#turn(status) }, words);
    const published = article.status === "published";
    fill(this.deeds,
      h("button", { type: "submit", class: `button ${published ? "button-main" : ""}` }, published ? "Save" : "Save draft"),
      !published && does("Publish", "published", "button-main"), published && does("Unpublish", "draft"),
      article.id && article.status !== "archived" && does("Archive", "archived", "button-plain"),
      article.id && h("button", { type: "button", class: "button button-plain button-bad", onclick: () => this.#delete() }, "Delete"));
    const open = published && article.visibility === "public";
    const fact = (name, value) => value && [h("dt", {}, name), h("dd", {}, value)];
    fill(this.facts, article.id && [
      fact("Read", `${count(article.views)} times`), fact("Votes", helped(article) || "none yet"), fact("By", nameOf(article.author_id)),
      fact("Changed", moment(article.updated_at)), fact("Published", article.published_at && moment(article.published_at)),
      open && fact("Address", h("a", { href: `/kb/${article.slug}`, target: "_blank" }, `/kb/${article.slug}`)),
    ]);
  }

  #dirty() {
    return !same(this.#read(), pick(this.article));
  }

  #changed() {
    if (this.#saving) return;
    this.says.textContent = this.#dirty() ? "Not saved yet" : this.article.id ? "All saved" : "";
  }

  /** What was written before another page was looked at. */
  #restore() {
    const kept = keptDraft(this.key);
    if (!kept || same(kept.fields, pick(this.article))) return;
    const stored = this.article;
    this.#put(kept.fields);
    if (kept.version !== stored.version) return this.#conflict(stored);
    const drop = h("button", { type: "button", class: "button button-s", onclick: () => { fill(this.trouble); this.#write(stored); } }, "Discard them");
    fill(this.trouble, note("info", "Your unsaved changes are still here.", drop));
    return this.#changed();
  }

  async #turn(status) {
    await this.#guarded(() => this.#save({ status }));
  }

  async #guarded(work) {
    try {
      await work();
    } catch (error) {
      if (this.signal.aborted) return;
      const fields = error instanceof ApiError ? Object.entries(error.fields) : [];
      const left = fields.filter(([name, words]) => !fieldError(this.form, name, words));
      fill(this.trouble, (left.length || !fields.length) && note("bad", ...(left.length ? left.map(([name, words]) => `${name}: ${words}`) : [sentence(error)])));
      this.form.querySelector("[aria-invalid]")?.focus();
    }
  }

  async #save(more) {
    if (this.#saving) return;
    const fields = { ...this.#read(), ...more };
    if (!fields.title.trim()) {
      this.form.querySelectorAll("[data-field=title] .error").forEach((old) => old.remove());
      fieldError(this.form, "title", "An article needs a title");
      this.title.focus();
      return;
    }
    this.#saving = true;
    this.says.textContent = "Saving…";
    try {
      const { id, version } = this.article;
      const { data } = id
        ? await api.patch(`/kb/articles/${id}`, { ...fields, version }, { signal: this.signal })
        : await api.post("/kb/articles", fields, { signal: this.signal });
      fill(this.trouble);
      this.#stored(data, fields);
      toast(more.status === "published" ? "Published" : more.status === "archived" ? "Archived" : more.status === "draft" ? "A draft again" : "Saved");
    } catch (error) {
      if (error.code !== "version_conflict") throw error;
      this.#conflict((await api.get(`/kb/articles/${this.article.id}`, { signal: this.signal })).data);
    } finally {
      this.#saving = false;
      if (!this.signal.aborted) this.#changed();
      for (const event of this.#early.splice(0)) this.#hear(event);
    }
  }

  /** It was stored; what was typed since stays. */
  #stored(article, sent) {
    const isNew = !this.article.id;
    const typedOn = !same({ ...this.#read() }, Object.fromEntries(FIELDS.map((name) => [name, sent[name]])));
    if (isNew) {
      this.article = typedOn ? { ...article } : article;
      if (!typedOn) this.#put(article);
      keepDraft(this.key, null);
      this.key = article.id;
      return this.go(`/admin/articles/${article.id}`, { replace: true });
    }
    if (!typedOn) return this.#write(article);
    this.article = article;
    return this.#drawAround();
  }

  async #reread() {
    await this.#guarded(async () => this.#newer((await api.get(`/kb/articles/${this.article.id}`, { signal: this.signal })).data));
  }

  #hear(event) {
    const { type, data, actor } = event;
    if (type.startsWith("attachment.") && data.parent_type === "kb_article" && data.parent_id === this.article?.id) {
      return type === "attachment.deleted" ? this.files?.remove(data.id) : this.files?.put(data);
    }
    if (!type.startsWith("kb_article.")) return undefined;
    if (!this.article || this.#saving) return void this.#early.push(event);
    if (data.id !== this.article.id || data.version <= this.article.version) return undefined;
    if (data.deleted_at) return this.#gone(actor?.name ?? "Somebody");
    return this.#newer(data, actor?.name);
  }

  /** Somebody else changed it: shown at once if nothing is lost by that. */
  #newer(article, name = "Somebody") {
    if (article.version <= this.article.version) return undefined;
    if (this.#dirty()) return this.#conflict(article, name);
    this.#write(article);
    this.says.textContent = `${name} changed it just now`;
    return undefined;
  }

  #conflict(theirs, name = "Somebody else") {
    const differ = FIELDS.filter((field) => !same(theirs[field] ?? null, this.#read()[field]));
    const words = { title: "title", body: "text", excerpt: "summary", category_id: "category", visibility: "readers", tags: "tags" };
    const look = h("details", { class: "theirs" }, h("summary", {}, "See their version"), h("h2", { dir: "auto" }, theirs.title), prose(theirs.body, "markdown", 3));
    const take = h("button", { type: "button", class: "button button-s", onclick: () => { fill(this.trouble); this.#write(theirs); } }, "Take theirs");
    const keep = h("button", {
      type: "button", class: "button button-s",
      onclick: () => {
        this.article = { ...theirs };
        fill(this.trouble);
        this.#drawAround();
        this.#changed();
        this.form.querySelector("[type=submit]").focus();
      },
    }, "Keep mine");
    fill(this.trouble, note("warn",
      `${name} changed this article while you were writing. Different from yours: ${differ.map((field) => words[field]).join(", ") || "nothing"}.`,
      h("p", { class: "small" }, "Nothing is lost. “Keep mine” lets your next save replace theirs."), look, h("div", { class: "row" }, keep, take)));
  }

  #gone(name) {
    const text = this.#read();
    this.article = { ...NEW, ...pick(this.article) };
    fill(this.trouble, note("warn", `${name} deleted this article. What you see is only here now; saving makes a new one of it.`));
    this.#drawAround();
    this.#put(text);
    this.badges.replaceChildren();
  }

  async #delete() {
    const sure = await ask({ title: "Delete this article?", words: "Readers will not find it any more. Archiving keeps it.", yes: "Delete article" });
    if (!sure) return;
    await this.#guarded(async () => {
      await api.delete(`/kb/articles/${this.article.id}`, { signal: this.signal });
      this.#write({ ...this.article, ...this.#read() });
      this.go("/admin/articles");
      toast("Deleted");
    });
  }
}

export default {
  title: ({ params }) => (params.id ? "Article" : "New article"),
  mount: (root, ctx) => void new Editor(root, ctx),
};
