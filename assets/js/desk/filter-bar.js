// The filters above a list of tickets, as fields; `changed(filters)` is called when one is used.

import { directory } from "../directory.js";
import { fill, h, icon } from "../dom.js";
import { nameOf, people } from "../people.js";
import { PRIORITIES, refillOptions, said as wordsOf, staffOptions, STATUSES, teamOptions } from "./words.js";

/** Typing is followed at this distance. */
const TYPING_MS = 250;

const SORTS = [["-updated_at", "Last changed"], ["updated_at", "Longest unchanged"], ["-created_at", "Newest"], ["created_at", "Oldest"], ["-priority", "Most urgent"], ["priority", "Least urgent"], ["-number", "Highest number"], ["number", "Lowest number"]];

const list = (text) => String(text ?? "").split(",").filter(Boolean);

/** A button that opens a list of boxes to tick: several of a few. `said` gives the words of each. */
export function several(name, options, changed, signal, said = wordsOf) {
  const words = h("span");
  const boxes = options.map((value) => h("input", { type: "checkbox", value, onchange: () => changed(boxes.filter((box) => box.checked).map((box) => box.value).join(",")) }));
  const menu = h("details", { class: "menu" }, h("summary", { class: "button" }, words, icon("turn", 13)),
    h("fieldset", { class: "card" }, h("legend", { class: "visually-hidden" }, name), boxes.map((box) => h("label", { class: "check" }, box, said(box.value)))));
  document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; }, { signal });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  menu.addEventListener("focusout", (event) => { if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false; });
  const set = (value) => {
    const chosen = list(value);
    for (const box of boxes) box.checked = chosen.includes(box.value);
    const some = chosen.length > 0 && chosen.length < options.length;
    fill(words, h("span", { class: "quiet" }, `${name} `), !some ? "any" : chosen.length <= 2 ? chosen.map(said).join(", ") : `${said(chosen[0])} +${chosen.length - 1}`);
  };
  return { menu, set };
}

/** The bar; `node` goes onto the page, `set(filters)` shows other ones. */
export class FilterBar {
  #timer = null;

  constructor(user, changed, signal) {
    this.user = user;
    this.changed = changed;
    this.filters = {};
    const put = (name) => (value) => this.#put(name, value);
    this.q = h("input", { class: "input", type: "search", placeholder: "Words of the subject, or a number", "aria-label": "Search tickets", maxlength: "200", autocomplete: "off" });
    this.q.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#put("q", this.q.value.trim()), TYPING_MS);
    });
    this.status = several("Status", Object.keys(STATUSES), put("status"), signal);
    this.priority = several("Priority", Object.keys(PRIORITIES), put("priority"), signal);
    const select = (name, label) => h("select", { class: "input", "aria-label": label, onchange: (event) => this.#put(name, event.target.value) });
    this.assignee = select("assignee", "Agent");
    this.team = select("team", "Team");
    this.sort = select("sort", "Order");
    this.tag = h("input", { class: "input tag-filter", placeholder: "Tag", "aria-label": "Tag", autocomplete: "off", maxlength: "200" });
    this.tag.addEventListener("change", () => this.#put("tag", this.tag.value.trim()));
    this.extra = h("div", { class: "chosen" });
    const fields = h("div", { class: "tools filter-fields", id: "filter-fields" }, this.status.menu, this.priority.menu, this.assignee, this.team, this.tag, this.sort);
    // On a small screen the tickets come first.
    const more = h("button", { type: "button", class: "button filter-more", "aria-expanded": "false", "aria-controls": fields.id, onclick: () => more.setAttribute("aria-expanded", String(fields.classList.toggle("open"))) }, "Filters", icon("turn", 13));
    this.node = h("div", { class: "stack-s", role: "search", "aria-label": "Filters" },
      h("div", { class: "tools" }, h("div", { class: "search" }, icon("search", 16), this.q), more), fields, this.extra);
    directory.addEventListener("changed", () => this.set(this.filters), { signal });
    people.addEventListener("learned", () => this.#drawExtra(), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  #put(name, value) {
    const filters = { ...this.filters };
    if (value) filters[name] = value;
    else delete filters[name];
    this.changed(filters);
  }

  /** Shows these filters. */
  set(filters) {
    this.filters = filters;
    if (document.activeElement !== this.q) this.q.value = filters.q ?? "";
    if (document.activeElement !== this.tag) this.tag.value = filters.tag ?? "";
    this.status.set(filters.status);
    this.priority.set(filters.priority);
    const agents = [["", "Any agent"], ["me", "Me"], ["none", "Nobody"], ...staffOptions(this.user).filter(([id]) => id !== this.user.id)];
    refillOptions(this.assignee, agents, filters.assignee === this.user.id ? "me" : filters.assignee ?? "");
    refillOptions(this.team, [["", "Any team"], ["none", "No team"], ...teamOptions()], filters.team ?? "");
    refillOptions(this.sort, SORTS, filters.sort ?? "-updated_at");
    this.#drawExtra();
  }

  /** Filters that have no field here still say that they are there, and can be taken off. */
  #drawExtra() {
    const f = this.filters;
    const extra = [
      f.requester && ["requester", "Requester ", f.requester === "me" ? "me" : nameOf(f.requester)],
      f.type && ["type", "Type ", f.type], f.channel && ["channel", "Came in by ", f.channel],
      f.created_after && ["created_after", "Opened after ", f.created_after], f.created_before && ["created_before", "Opened before ", f.created_before],
      f.updated_after && ["updated_after", "Changed after ", f.updated_after], f.updated_before && ["updated_before", "Changed before ", f.updated_before],
      String(f.deleted) === "true" && ["deleted", "", "Deleted tickets"],
    ].filter(Boolean);
    fill(this.extra, extra.map(([name, before, words]) => h("span", { class: "tag" }, before, h("bdi", {}, words),
      h("button", { type: "button", "aria-label": `Take off the filter ${before}${words}`, onclick: () => this.#put(name, "") }, icon("close", 12)))));
    this.extra.hidden = extra.length === 0;
  }
}
