// Everybody with an account, filtered and searched, kept true by events; administrators look after them.

import { api, query, sentence } from "../api.js";
import { dialable } from "../calls/dial.js";
import { empty, fill, h, icon, note } from "../dom.js";
import { feed, listen, standing } from "../feed.js";
import { Keyed } from "../keyed.js";
import { avatar, learn } from "../people.js";
import { may } from "../roles.js";
import { since } from "../time.js";
import { capital } from "../words.js";
import { editPerson, invitePerson } from "./person-form.js";

const PAGE = 50;
const SEARCH_MS = 200;
const STAFF = ["agent", "supervisor", "admin"];
const FILTERS = [["", "All"], [STAFF.join(","), "Staff"], ["customer", "Customers"]];

const stateBadge = ({ is_active: active }) => h("span", { class: `badge tone-${active ? "good" : "quiet"}` }, active ? "Active" : "Closed");

class PeopleView {
  #shown = new Map();
  #page = 1;
  #asked = 0;
  #ready = false;
  /** What was heard while a page was read: its answer may be older. */
  #heard = new Map();

  constructor(root, { user, signal }) {
    this.user = user;
    this.signal = signal;
    this.filter = { role: "", q: "" };
    this.trouble = h("div");
    this.body = h("tbody");
    this.rows = new Keyed(this.body, (person) => this.#row(person), { mark: (person) => [person.version, person.last_login_at].join() });
    this.table = h("table", { class: "table table-people" }, h("caption", { class: "visually-hidden" }, "People"),
      h("thead", {}, h("tr", {}, ["Person", "Role", "State", "Last sign-in"].map((name) => h("th", { scope: "col" }, name)))), this.body);
    this.card = h("div", { class: "card" }, empty("One moment", "Reading the list…"));
    this.more = h("button", { type: "button", class: "button", hidden: true, onclick: () => this.#load(this.#page + 1) }, "Show more");
    this.says = h("p", { class: "visually-hidden", role: "status" });
    root.append(this.#head(), this.trouble, this.#tools(), this.card, h("div", { class: "row" }, this.more), this.says);
    listen((event) => this.#hear(event), signal);
    feed.addEventListener("resync", () => this.#load(1), { signal });
    this.#load(1);
  }

  #head() {
    const words = may(this.user, "admin") ? "Who may come in, and what they may do." : "Who may come in. Administrators change it.";
    const invite = () => invitePerson({ done: (person) => this.#put(person) });
    return h("header", { class: "page-head" }, h("div", {}, h("h1", {}, "People"), h("p", {}, words)),
      may(this.user, "admin") && h("button", { type: "button", class: "button button-main", onclick: invite }, icon("plus", 16), "Invite"));
  }

  #tools() {
    const choices = h("div", { class: "choices" }, FILTERS.map(([role, words]) => h("label", { class: "choice plain" },
      h("input", { type: "radio", name: "role", value: role, checked: role === "", onchange: () => this.#choose({ role }) }), h("span", {}, words))));
    let timer = null;
    const search = h("input", {
      class: "input", type: "search", "aria-label": "Search people", placeholder: "Name or e-mail", maxlength: "60",
      oninput: () => {
        clearTimeout(timer);
        timer = setTimeout(() => this.#choose({ q: search.value.trim() }), SEARCH_MS);
      },
    });
    return h("div", { class: "tools" }, h("fieldset", {}, h("legend", { class: "visually-hidden" }, "Role"), choices), h("div", { class: "search" }, icon("search", 16), search));
  }

  #choose(change) {
    this.filter = { ...this.filter, ...change };
    this.#load(1);
  }

  async #load(page) {
    this.#asked += 1;
    const mine = this.#asked;
    await standing(this.signal);
    this.#heard.clear();
    try {
      const { data, meta } = await api.get(`/users${query({ ...this.filter, page, per_page: PAGE })}`, { signal: this.signal });
      if (mine !== this.#asked) return;
      if (page === 1) this.#shown.clear();
      for (const person of data ?? []) this.#shown.set(person.id, person);
      this.#page = page;
      this.#ready = true;
      this.more.hidden = page >= (meta.total_pages ?? 1);
      this.says.textContent = `${this.#shown.size} of ${meta.total ?? this.#shown.size} shown`;
      fill(this.trouble);
      for (const person of this.#heard.values()) this.#take(person);
      this.#draw();
    } catch (error) {
      if (!this.signal.aborted && mine === this.#asked) fill(this.trouble, note("bad", sentence(error)));
    }
  }

  #fits({ role, name, email, deleted_at: gone }) {
    const q = this.filter.q.toLowerCase();
    return !gone && (!this.filter.role || this.filter.role.split(",").includes(role))
      && (!q || name.toLowerCase().includes(q) || email.toLowerCase().includes(q));
  }

  #hear({ type, data }) {
    if (!type.startsWith("user.") || !data.id) return;
    this.#heard.set(data.id, data);
    if (this.#ready) this.#put(data);
  }

  #take(person) {
    const known = this.#shown.get(person.id);
    if (known && known.version > person.version) return false;
    this.#shown.delete(person.id);
    if (this.#fits(person)) this.#shown.set(person.id, person);
    return true;
  }

  #put(person) {
    learn(person.id, person.name);
    if (!this.#take(person)) return;
    this.#draw();
    this.rows.node(person.id)?.classList.add("fresh");
  }

  #draw() {
    const all = [...this.#shown.values()].sort((a, b) => a.name.localeCompare(b.name));
    this.rows.draw(all);
    if (!all.length) fill(this.card, empty("Nobody like that", "Nobody here fits what you asked for."));
    else if (!this.table.isConnected) fill(this.card, this.table);
  }

  #row(person) {
    const open = () => editPerson({ id: person.id, me: this.user, done: (changed) => this.#put(changed) });
    const tickets = `/admin/tickets?requester=${encodeURIComponent(person.id)}&sort=-created_at`;
    const name = h("bdi", {}, person.name);
    return h("tr", {},
      h("td", {}, h("div", { class: "person" }, avatar(person.name), h("span", {},
        may(this.user, "admin")
          ? h("button", { type: "button", class: "name-button", onclick: open }, name)
          : h("a", { class: "name-button", href: tickets }, name),
        person.id === this.user.id && " (you)", h("small", {}, h("bdi", {}, person.email)),
        person.phone && person.id !== this.user.id && h("small", {}, dialable(person.phone))))),
      h("td", {}, capital(person.role)),
      h("td", {}, stateBadge(person)),
      h("td", { "data-name": "Last sign-in" }, person.last_login_at ? since(person.last_login_at, "", " ago") : h("span", { class: "quiet" }, "never")));
  }
}

export default { title: "People", mount: (root, ctx) => void new PeopleView(root, ctx) };
