// The lists and filters above the calls, as links and fields; `changed(filters)` is called when a
// field is used.

import { several } from "../desk/filter-bar.js";
import { refillOptions, staffOptions } from "../desk/words.js";
import { directory } from "../directory.js";
import { fill, h, icon } from "../dom.js";
import { nameOf, people } from "../people.js";
import { digits, sameFilters, VIEWS, writeAddress } from "./filters.js";
import { RESULT_NAMES, resultSaid, STATE_NAMES, stateSaid } from "./words.js";

/** Typing is followed at this distance. */
const TYPING_MS = 250;

/** Fewest digits that are looked for. */
const DIGITS_MIN = 3;

const DIRECTIONS = [["", "In and out"], ["inbound", "Coming in"], ["outbound", "Going out"]];

/** The queues of the teams, and what a filter asks for, known or not. */
function queueOptions(chosen) {
  const names = [...new Set(directory.teams.flatMap((team) => team.queue_names ?? []))].sort((a, b) => a.localeCompare(b));
  if (chosen && !names.includes(chosen)) names.push(chosen);
  return [["", "Any queue"], ...names.map((name) => [name, name])];
}

/** The bar; `node` goes onto the page, `set(filters)` shows other ones. */
export class CallFilters {
  #timer = null;

  constructor(user, changed, signal) {
    this.user = user;
    this.changed = changed;
    this.filters = {};
    const put = (name) => (value) => this.#put(name, value);
    this.views = h("ul", { class: "views" });
    this.says = h("p", { class: "error small", id: "call-digits", role: "status", hidden: true });
    this.q = h("input", { class: "input", type: "search", inputmode: "tel", placeholder: "Digits of a number", "aria-label": "Search numbers", "aria-describedby": "call-digits", maxlength: "40", autocomplete: "off" });
    this.q.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#search(), TYPING_MS);
    });
    this.state = several("State", STATE_NAMES, put("state"), signal, stateSaid);
    this.result = several("End", RESULT_NAMES, put("result"), signal, resultSaid);
    const select = (name, label) => h("select", { class: "input", "aria-label": label, onchange: (event) => this.#put(name, event.target.value) });
    this.direction = select("direction", "Direction");
    this.queue = select("queue", "Queue");
    this.agent = select("agent", "Agent");
    const day = (name) => h("input", { class: "input", type: "date", onchange: (event) => this.#put(name, event.target.value) });
    this.from = day("from");
    this.to = day("to");
    this.extra = h("div", { class: "chosen" });
    const fields = h("div", { class: "tools filter-fields", id: "call-filters" }, this.state.menu, this.result.menu, this.direction, this.queue, this.agent,
      h("label", { class: "day-filter" }, "From", this.from), h("label", { class: "day-filter" }, "to", this.to));
    const more = h("button", { type: "button", class: "button filter-more", "aria-expanded": "false", "aria-controls": fields.id, onclick: () => more.setAttribute("aria-expanded", String(fields.classList.toggle("open"))) }, "Filters", icon("turn", 13));
    this.node = h("div", { class: "stack-s" },
      h("nav", { class: "views-row", "aria-label": "Lists of calls" }, this.views),
      h("div", { class: "stack-s", role: "search", "aria-label": "Filters" },
        h("div", { class: "tools" }, h("div", { class: "search" }, icon("search", 16), this.q), more), this.says, fields, this.extra));
    directory.addEventListener("changed", () => this.set(this.filters), { signal });
    people.addEventListener("learned", () => this.#drawExtra(), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  #search() {
    const q = this.q.value.trim();
    const few = q !== "" && digits(q).length < DIGITS_MIN;
    this.says.hidden = !few;
    fill(this.says, few && `At least ${DIGITS_MIN} digits, please; a zero at the beginning does not count.`);
    this.q.setAttribute("aria-invalid", String(few));
    if (!few) this.#put("q", q);
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
    fill(this.views, VIEWS.map(([name, asked]) => h("li", {}, h("a", { class: "view", href: writeAddress(asked), "aria-current": sameFilters(asked, filters) ? "true" : null }, name))));
    if (document.activeElement !== this.q) this.q.value = filters.q ?? "";
    this.state.set(filters.state);
    this.result.set(filters.result);
    const agents = [["", "Any agent"], ["me", "Me"], ["none", "Nobody"], ...staffOptions(this.user).filter(([id]) => id !== this.user.id)];
    refillOptions(this.agent, agents, filters.agent === this.user.id ? "me" : filters.agent ?? "");
    refillOptions(this.queue, queueOptions(filters.queue), filters.queue ?? "");
    refillOptions(this.direction, DIRECTIONS, filters.direction ?? "");
    for (const name of ["from", "to"]) if (document.activeElement !== this[name]) this[name].value = filters[name] ?? "";
    this.#drawExtra();
  }

  /** Filters that have no field here still say that they are there, and can be taken off. */
  #drawExtra() {
    const { customer, ticket, returned } = this.filters;
    const isView = VIEWS.some(([, asked]) => sameFilters(asked, this.filters));
    const extra = [
      customer && ["customer", "Calls with ", nameOf(customer)], ticket && ["ticket", "", "Calls of one ticket"],
      returned === "false" && !isView && ["returned", "", "Missed, not returned"], returned === "true" && ["returned", "", "Missed, returned since"],
    ].filter(Boolean);
    fill(this.extra, extra.map(([name, before, words]) => h("span", { class: "tag" }, before, h("bdi", {}, words),
      h("button", { type: "button", "aria-label": `Take off the filter ${before}${words}`, onclick: () => this.#put(name, "") }, icon("close", 12)))));
    this.extra.hidden = extra.length === 0;
  }
}
