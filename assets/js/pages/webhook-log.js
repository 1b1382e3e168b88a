// The log of one webhook: every attempt, newest first, with what was answered; older ones on request.

import { api, query, sentence } from "../api.js";
import { copyButton, empty, fill, h, icon, note, toast } from "../dom.js";
import { moment, toMs } from "../time.js";
import { hue } from "../words.js";

const PAGE = 25;
/** How long a delivery that was sent again is watched: as long as a receiver may take. */
const FOLLOW_MS = 31_000;
const TONES = { delivered: "good", waiting: "warn", failed: "bad" };
/** What an attempt can come to, and what that means for its delivery. */
const STATES = [["delivered", "Delivered"], ["waiting", "To be tried again"], ["failed", "Failed for good"]];

/** What became of a delivery. */
const FATES = { delivered: "was delivered", failed: "has failed", waiting: "waits for its next try", held: "is set aside", expired: "has expired", cancelled: "was cancelled" };

/** JSON made readable, anything else as it is. */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** What would be sent, and what can be done about it; asked for when a line is opened. */
function delivery(entry, refresh) {
  const box = h("div", { class: "stack" });
  const says = h("div");
  const act = (words, deed, body) => {
    const button = h("button", { type: "button", class: "button button-s" }, words);
    button.addEventListener("click", async () => {
      try {
        await api.post(`/deliveries/${entry.delivery_id}/${deed}`, body);
        toast(deed === "retry" ? "It is sent again" : "It is not sent any more");
        let { attempt, state } = await look();
        // The answer takes as long as the receiver takes.
        for (const before = attempt, end = Date.now() + FOLLOW_MS; state === "waiting" && attempt === before && box.isConnected && Date.now() < end;) {
          await new Promise((resolve) => setTimeout(resolve, 500));
          ({ attempt, state } = await look());
        }
        refresh();
      } catch (error) {
        fill(says, note("bad", sentence(error)));
      }
    });
    return button;
  };
  const look = async () => {
    const { data } = await api.get(`/deliveries/${entry.delivery_id}`);
    const open = data.state === "waiting" || data.state === "held";
    const sent = data.request && Object.entries(data.request.headers).map(([name, value]) => `${name}: ${value}`).join("\n");
    const body = data.request && pretty(data.request.body);
    fill(box,
      h("p", { class: "small" }, `The delivery ${FATES[data.state] ?? data.state}, after ${data.attempt} ${data.attempt === 1 ? "try" : "tries"}.`),
      data.request ? h("details", { class: "came" }, h("summary", {}, "What is sent"), h("div", { class: "more" },
        h("div", { class: "code" }, h("pre", { tabindex: "0", "aria-label": "Headers that are sent" }, `POST ${data.request.url}\n${sent}`)),
        h("div", { class: "code" }, h("pre", { tabindex: "0", "aria-label": "Body that is sent" }, body), copyButton(() => data.request.body))))
        : h("p", { class: "small quiet" }, "The data of its event is no longer kept."),
      entry.event !== "webhook.test" && h("div", { class: "row" }, data.request && act(data.state === "delivered" ? "Deliver once more" : "Deliver now", "retry", { force: data.state === "delivered" }), open && act("Cancel", "cancel", {})), says);
    return data;
  };
  look().catch((error) => fill(box, h("p", { class: "small quiet" }, sentence(error))));
  return box;
}

function detail(entry, refresh) {
  const facts = [["Delivery", entry.delivery_id], ["Event number", entry.seq && h("a", { href: `/admin/events/${entry.seq}` }, entry.seq)], ["Attempt", entry.attempt], ["Retries so far", entry.retries]];
  const answer = entry.response_body ? pretty(entry.response_body) : "";
  return h("div", { class: "stack" },
    h("dl", { class: "facts" }, facts.filter(([, v]) => v !== null && v !== undefined).map(([k, v]) => h("div", {}, h("dt", {}, k), h("dd", {}, h("code", {}, v)))),
      entry.next_attempt_at && h("div", {}, h("dt", {}, "Next try"), h("dd", {}, moment(entry.next_attempt_at)))),
    entry.error && note("bad", entry.error),
    answer ? h("div", { class: "code" }, h("pre", { tabindex: "0", "aria-label": "What the receiver answered" }, answer), copyButton(() => answer))
      : h("p", { class: "small quiet" }, "No answer kept."),
    delivery(entry, refresh));
}

/** What came of an attempt. */
function outcome(entry) {
  if (entry.state !== "waiting") return entry.state;
  return toMs(entry.next_attempt_at) > Date.now() ? "will retry" : "tried again";
}

function statusCell(entry) {
  if (entry.http_status) return `HTTP ${entry.http_status}`;
  return entry.error ? h("span", { class: "quiet" }, "no answer") : "";
}

/** A row that keeps its place and its openness while its entry changes. */
class Row {
  constructor(entry, refresh) {
    this.refresh = refresh;
    this.id = entry.id;
    this.open = false;
    this.line = h("tr", { class: "opens" });
    this.cell = h("td", { class: "detail", colspan: "6" });
    this.more = h("tr", {}, this.cell);
    this.more.hidden = true;
    this.toggle = h("button", { type: "button", class: "button button-plain button-icon button-s", "aria-expanded": "false", "aria-label": `Details of attempt ${entry.id}` }, icon("turn", 14));
    this.line.addEventListener("click", () => !getSelection()?.toString() && this.#turn());
    this.update(entry);
  }

  update(entry) {
    const words = outcome(entry);
    const drawn = JSON.stringify([entry, words]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.entry = entry;
    const cells = [
      h("td", {}, moment(entry.created_at)),
      h("td", {}, h("span", { class: `kind hue-${hue(entry.event)}` }, entry.event)),
      h("td", {}, h("span", { class: `badge tone-${TONES[entry.state] ?? "quiet"}` }, words)),
      h("td", {}, statusCell(entry)),
      h("td", { class: "end nowrap", "data-name": "Answered in" }, Number.isFinite(entry.response_time_ms) ? `${Math.round(entry.response_time_ms).toLocaleString()} ms` : "–"),
      h("td", { class: "end" }, this.toggle),
    ];
    const had = document.activeElement === this.toggle;
    fill(this.line, cells);
    if (had) this.toggle.focus();
    if (this.open) fill(this.cell, detail(entry, this.refresh));
  }

  #turn() {
    this.open = !this.open;
    this.toggle.setAttribute("aria-expanded", String(this.open));
    this.more.hidden = !this.open;
    if (this.open) fill(this.cell, detail(this.entry, this.refresh));
  }
}

/** The section with the log of the webhook at `path`; `refresh()` brings the newest in. */
export function logTable(path, signal) {
  const rows = new Map();
  const filter = h("select", { class: "input", "aria-label": "Show" }, h("option", { value: "" }, "All states"), STATES.map(([state, words]) => h("option", { value: state }, words)));
  const body = h("tbody");
  const table = h("table", { class: "table table-log" }, h("caption", { class: "visually-hidden" }, "Attempts, newest first"),
    h("thead", {}, h("tr", {}, ["Time", "Event", "Delivery", "Answer"].map((name) => h("th", { scope: "col" }, name)), h("th", { scope: "col", class: "end" }, "In"), h("th", {}, h("span", { class: "visually-hidden" }, "Details")))), body);
  const card = h("div", { class: "card" }, empty("One moment", "Reading the log…"));
  const older = h("button", { type: "button", class: "button" }, "Show older");
  older.hidden = true;
  const node = h("section", { class: "stack", "aria-labelledby": "log-title" },
    h("div", { class: "row" }, h("h2", { id: "log-title" }, "Log"), h("div", { class: "push" }, filter)), card, h("div", { class: "row" }, older));

  const get = async (before) => (await api.get(`${path}/logs${query({ limit: PAGE, before, state: filter.value })}`, { signal })).data ?? [];
  const put = (entries) => {
    for (const entry of entries) {
      if (rows.has(entry.id)) rows.get(entry.id).update(entry);
      else rows.set(entry.id, new Row(entry, () => refresh()));
    }
    const sorted = [...rows.values()].sort((a, b) => b.id - a.id);
    // Only what is new or out of place moves, so that nobody loses the focus or the place.
    sorted.flatMap((row) => [row.line, row.more]).forEach((line, i) => body.children[i] !== line && body.insertBefore(line, body.children[i] ?? null));
    if (!sorted.length) fill(card, empty(filter.value ? "Nothing of that kind" : "Nothing sent yet", filter.value ? "" : "Send a test and it appears here."));
    else if (!table.isConnected) fill(card, table);
  };
  const fail = (error) => !signal.aborted && fill(card, h("div", { class: "card-pad" }, note("bad", sentence(error))));

  let asked = 0;
  const refresh = async () => {
    asked += 1;
    const mine = asked;
    try {
      const entries = await get();
      if (mine !== asked) return;
      if (rows.size === 0) older.hidden = entries.length < PAGE;
      put(entries);
    } catch (error) {
      fail(error);
    }
  };
  filter.addEventListener("change", () => {
    rows.clear();
    fill(body);
    refresh();
  });
  older.addEventListener("click", async () => {
    try {
      const entries = await get(Math.min(...rows.keys()));
      older.hidden = entries.length < PAGE;
      put(entries);
    } catch (error) {
      fail(error);
    }
  });
  return { node, refresh };
}
