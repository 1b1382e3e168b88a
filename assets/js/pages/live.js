// The live feed: every event the moment it happens, in words, with everything behind it one click away.

import { copyButton, empty, fill, h, icon } from "../dom.js";
import { sentence } from "../api.js";
import { KEEP_MAX, feed } from "../feed.js";
import { Floor } from "../floor.js";
import { avatar, people } from "../people.js";
import { linePill } from "../shell.js";
import { moment, since } from "../time.js";
import { capital, hue, sentenceOf, sentenceText, stateWords, tone } from "../words.js";

/** More than this at once arrives without ceremony. */
const ANIMATE_MAX = 8;
/** How often the screen reader hears a summary, at most. */
const SPEAK_MS = 6_000;
/** Agents shown above the feed; the rest is on their own page. */
const AGENTS_MAX = 8;

const GAPS = {
  too_old: "This page was away for longer than the server keeps what happened.",
  unknown_epoch: "The server's history is not the one this page knew, for example because a backup was restored.",
  too_many: "More happened while this page was away than it can take in at once.",
};

/** Whether a kind passes the filter: any of the words, `*` standing for anything. */
function filterOf(text) {
  const words = text.toLowerCase().split(/[\s,]+/).filter(Boolean).map((word) => {
    const safe = word.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
    return new RegExp(word.includes("*") ? `^${safe}$` : safe);
  });
  return (kind) => words.length === 0 || words.some((word) => word.test(kind));
}

function details(event) {
  const text = JSON.stringify({ type: event.type, payload: event.data, ...(event.changes ? { changes: event.changes } : {}), actor: event.actor }, null, 2);
  const facts = [["Number", event.seq], ["Id", event.id], ["Room", event.room], ["Audience", event.audience], ["Actor", event.actor?.kind && `${event.actor.name} (${event.actor.kind})`]];
  return h("div", { class: "more" },
    h("p", { class: "small" }, h("a", { href: `/admin/events/${event.seq}` }, "Its own page: changes, audience, where it went")),
    h("dl", { class: "facts" }, facts.filter(([, v]) => v).map(([k, v]) => h("div", {}, h("dt", {}, k), h("dd", {}, h("code", {}, v))))),
    h("div", { class: "code" }, h("pre", { tabindex: "0", "aria-label": "The event as JSON" }, text), copyButton(() => text, "Copy JSON")));
}

const parts = (event) => sentenceOf(event).map(({ text, strong }) => (strong ? h("b", {}, text) : text));

/** Who did it, where the sentence does not name them anyway. */
const author = (event) => {
  const name = event.actor?.name ?? "";
  return name && sentenceText(event).includes(name) ? "" : name;
};

/** Whether an event was done by somebody whose name has these letters. */
function actorOf(text) {
  const wanted = text.trim().toLowerCase();
  return (actor) => !wanted || String(actor?.name ?? "").toLowerCase().includes(wanted);
}

/** One line of the feed, its details made when they are first asked for. */
function line(event) {
  const what = h("span", { class: "what" }, parts(event));
  const button = h("button", { type: "button", class: "line", "aria-expanded": "false" },
    moment(event.at), h("span", { class: `kind hue-${hue(event.type)}` }, event.type), what,
    h("span", { class: "by", title: "Who did it" }, author(event)),
    h("span", { class: "seq" }, h("span", { class: "visually-hidden" }, "number "), event.seq),
    h("span", { class: "turn" }, icon("turn", 14)));
  const item = h("li", {}, button);
  let more = null;
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", String(open));
    if (open && !more) item.append(more = details(event));
    if (more) more.hidden = !open;
  });
  return { item, event, redraw: () => fill(what, parts(event)) };
}

function gapLine({ gap, at }) {
  const item = h("li", { class: "gap" }, icon("warn"),
    h("p", {}, h("b", {}, "Some events are missing here. "), GAPS[gap] ?? "The server could not send everything that happened.",
      " Everything above this line is complete. ", moment(at)),
    h("button", { type: "button", class: "button button-s push", onclick: () => feed.start() }, icon("again", 15), "Read again"));
  return { item, event: null, redraw() {} };
}

/** Who can take the next one, at a glance; `signal` ends it. */
function agentsStrip(signal) {
  const list = h("ul", { class: "strip", "aria-label": "Agents" });
  list.hidden = true;
  const floor = new Floor(signal);
  floor.addEventListener("changed", () => {
    const staff = floor.sorted().filter((agent) => agent.role !== "admin" || agent.state !== "offline");
    const more = staff.length - AGENTS_MAX;
    fill(list, staff.slice(0, AGENTS_MAX).map((agent) => h("li", { class: `tone-${tone(agent.state)}${floor.fresh.has(agent.user_id) ? " fresh" : ""}` },
      avatar(floor.name(agent)),
      h("span", {}, h("b", {}, floor.name(agent)), h("small", {}, h("i", {}, capital(stateWords(agent.state))), since(agent.since, " "))))),
    more > 0 && h("li", { class: "strip-more" }, h("a", { href: "/admin/agents" }, `${more} more`)));
    floor.fresh.clear();
    list.hidden = staff.length === 0;
  }, { signal });
  return list;
}

class LiveView {
  #rows = [];
  #seen = new WeakMap();
  #paused = false;
  #held = 0;
  #families = new Set();
  #unsaid = 0;

  constructor(root, { signal }) {
    this.signal = signal;
    this.filter = h("input", { class: "input", type: "search", placeholder: "Filter, for example agent or call.*", "aria-label": "Filter by kind of event", autocomplete: "off", spellcheck: "false" });
    this.actor = h("input", { class: "input", type: "search", placeholder: "Done by", "aria-label": "Filter by who did it", autocomplete: "off", spellcheck: "false" });
    this.pause = h("button", { type: "button", class: "button" });
    this.families = h("div", { class: "families", role: "group", "aria-label": "Families of events" });
    this.shown = h("p", { class: "small quiet" });
    this.list = h("ol", { class: "feed card", "aria-label": "Events, newest first" });
    this.none = h("div", { class: "card" });
    this.voice = h("p", { class: "visually-hidden", role: "status", "aria-live": "polite" });
    root.append(
      h("header", { class: "page-head" },
        h("div", {}, h("h1", {}, "Live"), h("p", {}, "Everything that happens, the moment it happens.")), linePill(signal)),
      agentsStrip(signal),
      h("div", { class: "stack" },
        h("div", { class: "tools" }, h("div", { class: "search" }, icon("search", 16), this.filter), this.actor, this.pause), this.families),
      this.voice, this.list, this.none, this.shown);
    this.#listen();
    this.#drawPause();
    this.#reset();
  }

  #listen() {
    const { signal } = this;
    this.filter.addEventListener("input", () => this.#draw(), { signal });
    this.actor.addEventListener("input", () => this.#draw(), { signal });
    this.pause.addEventListener("click", () => this.#toggle(), { signal });
    feed.addEventListener("added", ({ detail }) => this.#added(detail), { signal });
    feed.addEventListener("reset", () => !this.#paused && this.#reset(), { signal });
    people.addEventListener("learned", () => this.#learned(), { signal });
    const timer = setInterval(() => this.#speak(), SPEAK_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  /** Names arrive in bunches; the lines are drawn anew once a bunch. */
  #learned() {
    this.redraw ??= requestAnimationFrame(() => {
      this.redraw = null;
      this.#rows.forEach((row) => row.redraw());
    });
  }

  #toggle() {
    this.#paused = !this.#paused;
    this.#held = 0;
    this.#drawPause();
    if (!this.#paused) this.#reset();
  }

  #drawPause() {
    const words = this.#paused ? `Resume${this.#held ? ` (${this.#held} new)` : ""}` : "Pause";
    fill(this.pause, icon(this.#paused ? "play" : "pause", 16), words);
    this.pause.classList.toggle("button-main", this.#paused);
  }

  /** Everything anew, from what the feed remembers. */
  #reset() {
    this.#families.clear();
    this.#draw();
    for (const item of feed.items) this.#family(item.type);
  }

  /** A row is made once an item, so that what was opened stays open. */
  #row(item) {
    let row = this.#seen.get(item);
    if (!row) {
      row = item.gap ? gapLine(item) : line(item);
      this.#seen.set(item, row);
    }
    row.item.classList.remove("fresh");
    return row;
  }

  #filter() {
    const [kind, actor] = [filterOf(this.filter.value), actorOf(this.actor.value)];
    return (event) => kind(event.type) && actor(event.actor);
  }

  #draw() {
    const passes = this.#filter();
    const shown = feed.items.filter((item) => item.gap || passes(item));
    this.#rows = shown.map((item) => this.#row(item));
    fill(this.list, this.#rows.map((row) => row.item));
    for (const chip of this.families.children) chip.setAttribute("aria-pressed", String(this.filter.value.trim() === `${chip.dataset.family}.*`));
    this.#foot();
  }

  #foot() {
    const all = feed.items.length;
    const shown = this.#rows.length;
    this.list.hidden = shown === 0;
    this.none.hidden = shown > 0;
    this.shown.hidden = all === 0;
    if (!shown) fill(this.none, this.#nothing(all));
    const words = shown === all ? `${all} ${all === 1 ? "event" : "events"}` : `${shown} of ${all} events`;
    this.shown.textContent = all >= KEEP_MAX ? `${words}, the newest this page keeps` : words;
  }

  #nothing(all) {
    if (all) return empty("Nothing like that yet", "It will appear here as soon as it happens.");
    if (!feed.ready) return empty("One moment", "Reading what happened before…");
    if (feed.error) return empty("The past could not be read", `${sentence(feed.error)} New events still appear here.`);
    return empty("Quiet so far", "The first event will ring here the moment it happens.");
  }

  #added(events) {
    for (const event of events) this.#family(event.type);
    if (this.#paused) {
      this.#held += events.length;
      return this.#drawPause();
    }
    const fresh = events.filter(this.#filter()).slice(0, KEEP_MAX);
    const rows = fresh.map((event) => this.#row(event));
    if (rows.length <= ANIMATE_MAX) rows.forEach((row) => row.item.classList.add("fresh"));
    this.list.prepend(...rows.map((row) => row.item));
    this.#rows = [...rows, ...this.#rows];
    for (const row of this.#rows.splice(KEEP_MAX)) row.item.remove();
    this.#unsaid += fresh.length;
    return this.#foot();
  }

  /** A chip a family that was seen, in the order of the alphabet. */
  #family(kind) {
    const family = kind?.split(".")[0];
    if (!family || this.#families.has(family)) return;
    this.#families.add(family);
    fill(this.families, [...this.#families].sort().map((name) => h("button", {
      type: "button", class: `family hue-${hue(name)}`, "data-family": name, "aria-pressed": String(this.filter.value.trim() === `${name}.*`),
      onclick: () => {
        this.filter.value = this.filter.value.trim() === `${name}.*` ? "" : `${name}.*`;
        this.#draw();
      },
    }, name)));
  }

  #speak() {
    if (!this.#unsaid) return;
    const newest = this.#rows.find((row) => row.event)?.event;
    const many = this.#unsaid === 1 ? "" : `${this.#unsaid} new events. Latest: `;
    this.voice.textContent = newest ? many + sentenceText(newest) : "";
    this.#unsaid = 0;
  }
}

export default {
  title: "Live",
  mount: (root, ctx) => void new LiveView(root, ctx),
};
