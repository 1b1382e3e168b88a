// The wallboard: queues, callers, agents, tickets at one look, to be read from four metres away.

import { fill, h, icon } from "../dom.js";
import { may } from "../roles.js";
import { Wall } from "../wall.js";
import { capital, stateWords, tone } from "../words.js";
import { chime } from "./board-chime.js";
import { openSettings } from "./board-settings.js";

/** Signs beside the colours: they say the same to who does not see colours. */
const SHAPE = { good: "●", warn: "▲", bad: "■", info: "◆", quiet: "○" };
const ORDER = ["available", "on_call", "wrap_up", "busy", "away", "offline"];

/** `0:42`, `12:05`, `1:02:33`. */
function ticking(ms) {
  const all = Math.max(0, Math.floor(ms / 1000));
  const two = (n) => String(n).padStart(2, "0");
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

const judge = (value, warn, bad) => (value >= bad ? "bad" : value >= warn ? "warn" : "good");
const shape = (judged) => h("span", { class: "wall-shape", "aria-hidden": "true" }, SHAPE[judged]);
const WORDS = { warn: ", worth a look", bad: ", too much" };
const percent = (share) => (share === null || share === undefined ? "–" : `${Math.round(share * 100)} %`);

/** A time that counts up; `warn` and `bad` are seconds from which on it worries. */
function since(at, { warn, bad } = {}) {
  if (!at) return h("span", {}, "–");
  const date = new Date(at);
  return h("time", { class: "wall-time", datetime: date.toISOString(), "data-since": date.getTime(), "data-warn": warn, "data-bad": bad }, ticking(Date.now() - date));
}

function tile(name, value, judged = "good", more = null) {
  return h("div", { class: `wall-tile wall-${judged}` }, h("dt", {}, name),
    h("dd", {}, shape(judged), h("b", {}, value), h("span", { class: "visually-hidden" }, WORDS[judged] ?? ""), more && h("small", {}, more)));
}

class BoardView {
  constructor(root, { user, signal }) {
    this.signal = signal;
    this.sound = h("button", { type: "button", class: "button", "aria-pressed": "false", onclick: () => this.#toggleSound() }, icon("bell"), "Sound off");
    this.full = h("button", { type: "button", class: "button", onclick: () => this.#fullScreen() }, icon("up"), "Full screen");
    const rules = may(user, "supervisor") && h("button", { type: "button", class: "button", onclick: () => openSettings(this.wall.board?.settings) }, icon("tune"), "Thresholds");
    this.line = h("p", { class: "wall-line", role: "status" });
    this.tiles = h("dl", { class: "wall-tiles", "aria-label": "Now and today" });
    this.queues = h("tbody");
    this.callers = h("tbody");
    this.agents = h("tbody");
    this.box = h("div", { class: "wall" },
      h("header", { class: "wall-head" }, h("h1", {}, "Wallboard"), this.line, h("div", { class: "row push wall-tools" }, rules, this.sound, this.full)),
      this.tiles,
      h("div", { class: "wall-tables" },
        table("Queues", ["Queue", "Waiting", "Longest", "Talking", "Answered", "Lost", "In time"], this.queues),
        table("Waiting callers", ["Caller", "Queue", "Waits"], this.callers),
        table("Agents", ["Agent", "State", "For"], this.agents)));
    root.append(this.box);
    document.body.classList.add("on-wall");
    signal.addEventListener("abort", () => document.body.classList.remove("on-wall"));
    document.addEventListener("fullscreenchange", () => this.#drawFull(), { signal });
    this.wall = new Wall(signal);
    this.wall.addEventListener("changed", () => this.#draw(), { signal });
    this.wall.addEventListener("stale", () => this.#drawLine(), { signal });
    const timer = setInterval(() => this.#tick(), 1000);
    signal.addEventListener("abort", () => clearInterval(timer));
    this.#drawLine();
  }

  #draw() {
    const { board } = this.wall;
    const { settings } = board;
    const wait = { warn: settings.wait_warn_s, bad: settings.wait_bad_s };
    this.#ring(board);
    fill(this.tiles, this.#tiles(board, wait));
    fill(this.queues, [...board.queues.values()].sort((a, b) => b.waiting - a.waiting || a.name.localeCompare(b.name)).map((queue) => queueRow(queue, settings, wait)));
    fill(this.callers, board.callers.length ? board.callers.map((caller) => callerRow(caller, wait)) : h("tr", {}, h("td", { colspan: "3", class: "quiet" }, "Nobody waits.")));
    const place = ({ state }) => (ORDER.indexOf(state) + ORDER.length + 1) % (ORDER.length + 1);
    fill(this.agents, [...board.agents.values()].sort((a, b) => place(a) - place(b) || a.name.localeCompare(b.name)).map(agentRow));
    this.#tick();
    this.#drawLine();
  }

  #tiles({ calls, tickets, webhooks, agents, settings }, wait) {
    const free = [...agents.values()].filter(({ state }) => state === "available").length;
    const level = calls.service_level === null ? "good" : judge(-calls.service_level * 100, -settings.level_warn + 1e-9, -settings.level_bad + 1e-9);
    const hooks = webhooks.failing + webhooks.disabled;
    return [
      tile("Waiting", calls.waiting, judge(calls.waiting, settings.waiting_warn, settings.waiting_bad), calls.waiting_since && ["longest ", since(calls.waiting_since, wait)]),
      tile("In time", percent(calls.service_level), level, `within ${settings.answer_within_s} s`),
      tile("Answered", calls.answered, "good", `of ${calls.offered} today`),
      tile("Lost", calls.abandoned, calls.abandoned ? "warn" : "good", "today"),
      tile("Free agents", free, free || !calls.waiting ? "good" : "bad", `of ${agents.size}`),
      tile("Open tickets", tickets.open, "good", `${tickets.unassigned} unassigned`),
      tile("Customers wait", tickets.waiting, "good", tickets.waiting_since && ["longest ", since(tickets.waiting_since)]),
      tile("At risk", tickets.at_risk, tickets.breached ? "bad" : tickets.at_risk ? "warn" : "good", `${tickets.breached} late`),
      tile("Webhooks", hooks ? `${hooks} failing` : "Fine", webhooks.disabled ? "bad" : webhooks.failing ? "warn" : "good", `${webhooks.active} on`),
    ];
  }

  #drawLine() {
    const { board, stale } = this.wall;
    const cut = board && stale;
    this.box.classList.toggle("wall-stale", Boolean(cut));
    fill(this.line, !board ? stale || "Reading the board…"
      : stale ? ["■ Not up to date: ", stale] : ["● Live"]);
  }

  #tick() {
    for (const node of this.box.querySelectorAll("time[data-since]")) {
      const ms = Date.now() - Number(node.dataset.since);
      const words = ticking(ms);
      if (node.textContent !== words) node.textContent = words;
      if (!node.dataset.bad) continue;
      node.dataset.judged = judge(ms / 1000, Number(node.dataset.warn), Number(node.dataset.bad));
    }
  }

  /** A caller more than before is a reason to ring, where somebody switched that on. */
  #ring({ calls }) {
    if (this.loud && calls.waiting > (this.waiting ?? 0)) chime();
    this.waiting = calls.waiting;
  }

  #toggleSound() {
    this.loud = !this.loud;
    this.sound.setAttribute("aria-pressed", String(this.loud));
    this.sound.lastChild.textContent = this.loud ? "Sound on" : "Sound off";
    if (this.loud) chime();
  }

  #fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen?.().catch(() => {});
  }

  #drawFull() {
    const full = Boolean(document.fullscreenElement);
    document.body.classList.toggle("wall-full", full);
    this.full.lastChild.textContent = full ? "Leave full screen" : "Full screen";
  }
}

function table(name, columns, body) {
  return h("section", { class: "wall-part", tabindex: "0", "aria-label": name }, h("table", {}, h("caption", {}, name),
    h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col" }, column)))), body));
}

function queueRow(queue, settings, wait) {
  const judged = judge(queue.waiting, settings.waiting_warn, settings.waiting_bad);
  return h("tr", { class: `wall-${judged}` },
    h("th", { scope: "row", dir: "auto" }, shape(judged), queue.name, h("span", { class: "visually-hidden" }, WORDS[judged] ?? "")),
    h("td", { class: "number" }, queue.waiting), h("td", { class: "number" }, since(queue.waiting_since, wait)),
    [queue.talking, queue.answered, queue.abandoned, percent(queue.service_level)].map((value) => h("td", { class: "number" }, value)));
}

function callerRow(caller, wait) {
  return h("tr", {}, h("th", { scope: "row", dir: "auto" }, caller.from_name ?? caller.from_number ?? "Unknown"),
    h("td", { dir: "auto" }, caller.queue ?? "–", caller.status === "ringing" && " (rings)"),
    h("td", { class: "number" }, since(caller.waiting_since, wait)));
}

function agentRow(agent) {
  const judged = agent.overdue ? "bad" : tone(agent.state);
  const then = agent.next_state ? `, then ${stateWords(agent.next_state)}` : "";
  return h("tr", { class: `wall-${judged}` },
    h("th", { scope: "row", dir: "auto" }, agent.name),
    h("td", {}, shape(judged), capital(stateWords(agent.state)), h("small", { dir: "auto" }, [agent.reason?.replaceAll("_", " "), agent.overdue && "too long"].filter(Boolean).map((why) => ` ${why}`), then)),
    h("td", { class: "number" }, since(agent.since)));
}

export default {
  title: "Wallboard",
  mount: (root, ctx) => void new BoardView(root, ctx),
};
