// Every open connection: whose, from where, what waits for it; and a way to end one, after asking.

import { api, query, sentence } from "../api.js";
import { ask } from "../dialog.js";
import { empty, fill, h, icon, note, toast } from "../dom.js";
import { feed } from "../feed.js";
import { avatar, learn, nameOf } from "../people.js";
import { count, every, moment, since } from "../time.js";

/** Connections come and go without an event, so the list is read again this often. */
const REFRESH_MS = 3_000;
const PAGE = 50;
const PROTOCOLS = { websocket: "WebSocket", "socket.io": "Socket.IO", sse: "Event stream" };
/** More than this waiting is worth a look; at 256 messages or 1 MiB a mailbox is full. */
const MANY = { messages: 64, bytes: 256 * 1024 };
const PROGRAMS = [[/Edg\//, "Edge"], [/OPR\//, "Opera"], [/Firefox\//, "Firefox"], [/Chrom(e|ium)\//, "Chrome"], [/Safari\//, "Safari"]];

/** What a program calls itself, in a word. */
function program(agent) {
  if (!agent) return "unnamed program";
  const browser = agent.startsWith("Mozilla/") && PROGRAMS.find(([pattern]) => pattern.test(agent));
  return browser ? browser[1] : agent.split(/[\s/(]/)[0].slice(0, 24) || "unnamed program";
}

function size(bytes) {
  return bytes < 1024 ? `${bytes} bytes` : `${(bytes / 1024).toFixed(1)} KiB`;
}

function waiting({ messages = 0, bytes = 0 } = {}) {
  if (!messages) return h("span", { class: "quiet" }, "nothing");
  const words = `${count(messages)} · ${size(bytes)}`;
  const many = messages >= MANY.messages || bytes >= MANY.bytes;
  return many ? h("span", { class: "badge tone-warn" }, words) : words;
}

/** A row that keeps its place, its openness and the focus while its connection changes. */
class Row {
  constructor(view, connection) {
    this.view = view;
    const words = `connection of ${connection.name}, number ${connection.id}`;
    this.toggle = h("button", { type: "button", class: "button button-plain button-icon button-s", "aria-expanded": "false", "aria-label": `Details of the ${words}`, onclick: () => this.#turn() }, icon("turn", 14));
    this.end = h("button", { type: "button", class: "button button-s", "aria-label": `Disconnect the ${words}`, onclick: () => view.end(this.connection) }, "Disconnect");
    this.cells = Array.from({ length: 6 }, (_, i) => h("td", i ? { "data-name": view.names[i] } : {}));
    this.cell = h("td", { class: "detail", colspan: "7" });
    this.more = h("tr", {}, this.cell);
    this.more.hidden = true;
    this.line = h("tr", {}, this.cells, h("td", { class: "end nowrap" }, this.end, this.toggle));
    this.update(connection);
  }

  update(connection) {
    const drawn = JSON.stringify(connection);
    this.connection = connection;
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const { view } = this;
    const marks = [connection.id === feed.socket.connection && "this page", connection.tenant_id !== view.user.tenant_id && "another organisation"].filter(Boolean);
    const [person, by, from, open, seen, waits] = this.cells;
    fill(person, h("div", { class: "person" }, avatar(connection.name),
      h("span", {}, h("b", {}, connection.name), h("small", {}, [connection.role, ...marks].join(" · ")))));
    fill(by, h("div", { class: "two-lines" }, PROTOCOLS[connection.protocol] ?? connection.protocol, h("small", { class: "quiet" }, program(connection.user_agent))));
    fill(from, h("code", {}, connection.address));
    fill(open, since(connection.since));
    fill(seen, since(connection.last_seen, "", " ago"));
    fill(waits, waiting(connection.mailbox));
    if (!this.more.hidden) fill(this.cell, this.#details());
  }

  #turn() {
    this.more.hidden = !this.more.hidden;
    this.toggle.setAttribute("aria-expanded", String(!this.more.hidden));
    if (!this.more.hidden) fill(this.cell, this.#details());
  }

  #details() {
    const c = this.connection;
    const own = c.tenant_id === this.view.user.tenant_id;
    const seq = c.seq === null ? "none since it came" : own ? h("a", { href: `/admin/events/${c.seq}` }, c.seq) : c.seq;
    const facts = [["Number", h("code", {}, c.id)], ["Since", moment(c.since)], ["Rooms", h("code", {}, c.rooms.join(", "))], ["Last event handed over", seq], ["Program", h("code", {}, c.user_agent ?? "does not say")]];
    return h("dl", { class: "facts" }, facts.map(([k, v]) => h("div", {}, h("dt", {}, k), h("dd", {}, v))));
  }
}

class ConnectionsView {
  names = ["Person", "By", "From", "Open for", "Last sign of life", "Waiting"];
  #rows = new Map();
  #page = 1;
  #asked = 0;

  constructor(root, { user, signal }) {
    Object.assign(this, { user, signal, only: new URLSearchParams(location.search).get("user") });
    this.trouble = h("div");
    this.body = h("tbody");
    this.table = h("table", { class: "table" }, h("caption", { class: "visually-hidden" }, "Open connections, newest first"),
      h("thead", {}, h("tr", {}, this.names.map((name) => h("th", { scope: "col" }, name)), h("th", {}, h("span", { class: "visually-hidden" }, "What may be done")))), this.body);
    this.card = h("div", { class: "card" }, empty("One moment", "Looking round…"));
    this.newer = this.#step("Newer", -1);
    this.older = this.#step("Older", 1);
    this.words = h("span", { class: "small quiet" });
    this.chosen = h("div", { class: "row" });
    this.chosen.hidden = !this.only;
    root.append(h("header", { class: "page-head" }, h("div", {}, h("h1", {}, "Open connections"),
      h("p", {}, "Every page, application and program that hears events at this moment."))),
    this.trouble, this.chosen, this.card, h("div", { class: "row" }, this.words, h("div", { class: "row push" }, this.newer, this.older)));
    every(REFRESH_MS, () => this.look(), signal);
    feed.socket.addEventListener("state", ({ detail }) => detail.state === "live" && this.look(), { signal });
  }

  #step(words, by) {
    const button = h("button", { type: "button", class: "button button-s" }, words);
    button.hidden = true;
    button.addEventListener("click", () => {
      this.#page += by;
      this.look();
    });
    return button;
  }

  async look() {
    this.#asked += 1;
    const mine = this.#asked;
    try {
      const { data, meta } = await api.get(`/ws/connections${query({ page: this.#page, per_page: PAGE, user_id: this.only })}`, { signal: this.signal });
      if (mine !== this.#asked) return;
      fill(this.trouble);
      this.#draw(data ?? [], meta);
    } catch (error) {
      if (!this.signal.aborted && mine === this.#asked) fill(this.trouble, note("bad", sentence(error)));
    }
  }

  #draw(connections, { total = 0, total_pages: pages = 0 }) {
    if (!connections.length && this.#page > 1) {
      this.#page = Math.max(1, pages);
      this.look();
      return;
    }
    const had = document.activeElement;
    const rows = new Map();
    for (const connection of connections) {
      learn(connection.user_id, connection.name);
      const row = this.#rows.get(connection.id) ?? new Row(this, connection);
      row.update(connection);
      rows.set(connection.id, row);
    }
    this.#rows = rows;
    const lines = [...rows.values()].flatMap((row) => [row.line, row.more]);
    // Only what is new, gone or out of place moves, so that nobody loses the focus or the place.
    for (const line of [...this.body.children]) if (!lines.includes(line)) line.remove();
    lines.forEach((line, i) => this.body.children[i] !== line && this.body.insertBefore(line, this.body.children[i] ?? null));
    if (had !== document.activeElement && had.isConnected) had.focus({ preventScroll: true });
    if (!connections.length) fill(this.card, empty("Nobody is connected", this.only ? "This person has no open connection." : "As soon as somebody connects, they appear."));
    else if (!this.table.isConnected) fill(this.card, this.table);
    this.words.textContent = `${count(total)} ${total === 1 ? "connection" : "connections"}${pages > 1 ? `, page ${this.#page} of ${pages}` : ""}`;
    this.newer.hidden = this.#page <= 1;
    this.older.hidden = this.#page >= pages;
    if (this.only && !this.chosen.firstChild) fill(this.chosen, h("span", {}, "Only those of ", h("b", {}, nameOf(this.only)), "."), h("a", { href: "/admin/connections" }, "Show all"));
  }

  /** Asks, then ends one. */
  async end(connection) {
    const own = connection.id === feed.socket.connection;
    const yes = await ask({
      title: `Disconnect ${connection.name}?`,
      words: `${own ? "This is the very page you look at; it will hear nothing more until it is reloaded. " : ""}The connection from ${connection.address} is closed and its program told not to come back by itself. The sign-in stays: to keep somebody out, deactivate them.`,
      yes: "Disconnect",
    });
    if (!yes) return;
    try {
      await api.delete(`/ws/connections/${connection.id}`);
      toast("Disconnected");
    } catch (error) {
      // Gone by itself in the meantime is as good.
      if (error.status !== 404) {
        fill(this.trouble, note("bad", sentence(error)));
        return;
      }
      toast("It was gone already");
    }
    await this.look();
  }
}

export default {
  title: "Open connections",
  mount: (root, ctx) => void new ConnectionsView(root, ctx),
};
