// Chooses kinds of events: one by one, a family at once (`ticket.*`), or all (`*`), with a search.

import { fill, h, icon } from "./dom.js";
import { hue } from "./words.js";

/** What the server accepts beside the catalogue: a custom kind, or a family of them. */
const CUSTOM = /^[a-z][a-z0-9_]*(\.[a-z0-9_]+){0,2}\.(\*|[a-z0-9_]+)$/;
/** `*` matches neither of these. */
const APART = new Set(["notification", "webhook"]);

const familyOf = (name) => name.split(".")[0];

/** `types` is the catalogue, `[{type, description}]`; `get()` gives the chosen patterns. */
export class EventPicker {
  constructor(types, chosen = []) {
    this.types = types;
    this.chosen = new Set(chosen);
    this.search = h("input", { class: "input", type: "search", name: "event-search", placeholder: "Search, or type a kind of your own", "aria-label": "Search kinds of events", autocomplete: "off", spellcheck: "false" });
    this.tags = h("div", { class: "chosen", role: "group", "aria-label": "Chosen" });
    this.list = h("div", { class: "picker-list", role: "group", "aria-label": "Kinds of events" });
    this.node = h("div", { class: "field", "data-field": "events" }, h("span", { class: "label", id: "picker-label" }, "Events"),
      h("div", { class: "picker", role: "group", "aria-labelledby": "picker-label" },
        h("div", { class: "picker-head" }, this.tags, h("div", { class: "search" }, icon("search", 16), this.search)), this.list));
    this.search.addEventListener("input", () => this.#list());
    this.search.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      const text = this.#typed();
      if (CUSTOM.test(text) || text === "*") this.#set(text, true);
    });
    this.#draw();
  }

  /** The chosen patterns, those that another one covers left out. */
  get() {
    return [...this.chosen].filter((name) => !this.#coveredBy(name));
  }

  #typed() {
    return this.search.value.trim().toLowerCase();
  }

  #coveredBy(name) {
    if (name === "*") return false;
    const family = familyOf(name);
    if (this.chosen.has("*") && !APART.has(family)) return true;
    return name !== `${family}.*` && this.chosen.has(`${family}.*`);
  }

  #set(name, on) {
    if (on) this.chosen.add(name);
    else this.chosen.delete(name);
    if (on && this.#typed() === name) this.search.value = "";
    this.#draw();
  }

  #draw() {
    // The list is drawn anew, so the focus and the place in it have to be found again.
    const focus = document.activeElement?.closest?.("[data-pattern]")?.dataset.pattern;
    const top = this.list.scrollTop;
    const names = this.get();
    fill(this.tags, names.length ? names.map((name) => h("button", {
      type: "button", class: `kind chip-x hue-${hue(name)}`, "aria-label": `Remove ${name}`,
      onclick: () => { this.#set(name, false); this.search.focus(); },
    }, name === "*" ? "all events" : name, icon("close"))) : h("span", { class: "small quiet" }, "Nothing chosen yet"));
    this.#list();
    this.list.scrollTop = top;
    if (focus) this.list.querySelector(`[data-pattern="${CSS.escape(focus)}"]`)?.focus();
  }

  #option(name, title, words, className = "") {
    const covered = this.#coveredBy(name);
    return h("label", { class: `check ${className}${covered ? " covered" : ""}` },
      h("input", { type: "checkbox", "data-pattern": name, checked: covered || this.chosen.has(name), disabled: covered, onchange: (event) => this.#set(name, event.target.checked) }),
      h("span", {}, title, words && h("small", {}, words)));
  }

  #list() {
    const text = this.#typed();
    const found = this.types.filter(({ type, description }) => !text || `${type} ${description ?? ""}`.toLowerCase().includes(text.replace(/\.?\*$/, "")));
    const families = group(found);
    const parts = [];
    if (!text || "*".includes(text) || "all events".includes(text)) parts.push(this.#option("*", "All events", "Everything but notifications and news of webhooks themselves"));
    for (const [family, types] of families) {
      parts.push(h("fieldset", {}, h("legend", { class: "visually-hidden" }, family),
        this.#option(`${family}.*`, h("span", { class: `kind hue-${hue(family)}` }, `${family}.*`), ""),
        types.map(({ type, description }) => this.#option(type, h("span", { class: "mono" }, type), description, "one"))));
    }
    const known = this.types.some(({ type }) => type === text || `${familyOf(type)}.*` === text);
    if (CUSTOM.test(text) && !known) {
      parts.unshift(h("button", { type: "button", class: "button button-s", onclick: () => { this.#set(text, true); this.search.focus(); } }, icon("plus", 15), `Add “${text}”`));
    }
    if (!parts.length) parts.push(h("p", { class: "small quiet" }, "No such kind. A kind of your own looks like order.paid."));
    fill(this.list, parts);
  }
}

function group(types) {
  const map = new Map();
  for (const entry of types) {
    const family = familyOf(entry.type);
    map.set(family, [...(map.get(family) ?? []), entry]);
  }
  return map;
}
