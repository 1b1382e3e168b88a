// Telephone systems: how each is doing, and a way to add, change, test and take one away.

import { api, sentence } from "../api.js";
import { empty, fill, h, icon, note } from "../dom.js";
import { count, every, moment, since } from "../time.js";
import { addTelephone, editTelephone } from "./telephone-form.js";

const REFRESH_MS = 2_000;

const STATES = { idle: ["off", "plain"], connecting: ["connecting", "warn"], connected: ["connected", "good"], waiting: ["no connection", "bad"] };

/** Where it is, in a word. */
export const place = (pbx) => (pbx.kind === "cti" ? "posts to this server" : `${pbx.host}:${pbx.port}`);

function state({ kind, is_active: active, status }) {
  if (!active) return h("span", { class: "badge" }, "off");
  if (kind === "cti") return h("span", { class: "badge tone-good" }, "listening");
  const [word, tone] = STATES[status.state] ?? [status.state, "plain"];
  return h("span", { class: `badge tone-${tone}` }, word);
}

const quiet = (text) => h("span", { class: "quiet small" }, text);

function row(pbx, changed) {
  const { status } = pbx;
  const name = h("button", { type: "button", class: "name-button", onclick: () => editTelephone({ pbx, changed }) }, h("bdi", {}, pbx.name));
  const good = status.connected_since && h("span", { class: "small quiet by-author" }, since(status.connected_since, "since "));
  const trouble = status.last_error && [h("span", {}, status.last_error), h("span", { class: "small quiet by-author" }, moment(status.last_error_at))];
  return h("tr", {},
    h("td", {}, name, h("span", { class: "url" }, place(pbx))),
    h("td", { "data-name": "State" }, state(pbx), good),
    h("td", { "data-name": "Last event" }, status.last_event_at ? moment(status.last_event_at) : quiet("none yet")),
    h("td", { "data-name": "Events" }, count(status.events)),
    h("td", { "data-name": "Reconnects" }, count(status.reconnects)),
    h("td", { "data-name": "Last error" }, trouble || quiet("none")));
}

function mount(root, { signal }) {
  const says = h("div");
  const card = h("div", { class: "card" }, empty("One moment", "Reading the list…"));
  let drawn = "";
  const draw = (all) => {
    // What somebody is about to click must not be taken from under them.
    if (JSON.stringify(all) === drawn) return;
    drawn = JSON.stringify(all);
    const at = [...card.querySelectorAll(".name-button")].indexOf(document.activeElement);
    if (!all.length) fill(card, empty("No telephones yet", "Connect an Asterisk, or have another telephone system post its calls, and every call is on the screens of your agents as it rings.", addButton()));
    else {
      fill(card, h("table", { class: "table" }, h("caption", { class: "visually-hidden" }, "Telephone systems"),
        h("thead", {}, h("tr", {}, ["Telephone system", "State", "Last event", "Events", "Reconnects", "Last error"].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, all.map((pbx) => row(pbx, load)))));
      card.querySelectorAll(".name-button")[at]?.focus();
    }
  };
  const load = async () => {
    try {
      const { data } = await api.get("/pbx?per_page=200", { signal });
      fill(says);
      draw(data);
    } catch (error) {
      if (!signal.aborted) fill(says, note("bad", sentence(error)));
    }
  };
  const addButton = () => h("button", { type: "button", class: "button button-main", onclick: () => addTelephone({ changed: load }) }, icon("plus", 16), "Add a telephone system");
  root.append(h("header", { class: "page-head" },
    h("div", {}, h("h1", {}, "Telephones"), h("p", {}, "The telephone systems that calls are heard of from.")), addButton()), says, card);
  every(REFRESH_MS, load, signal);
}

export default { title: "Telephones", mount };
