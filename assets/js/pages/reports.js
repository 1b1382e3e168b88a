// Reports: pick one and the days, see it as a chart and a table, take it home as a file.

import { address, api, query, sentence } from "../api.js";
import { barChart } from "../bars.js";
import { empty, fill, h, icon, note } from "../dom.js";
import { field, input } from "../form.js";
import { count } from "../time.js";

/** Rows that are put on the page; the file has all. */
const ROWS_SHOWN = 1_000;

const REPORTS = [
  { name: "agent-time", title: "Agents' time", label: "date", bars: ["available_ms", "on_call_ms", "wrap_up_ms", "busy_ms", "away_ms"], filters: ["team"] },
  { name: "calls", title: "Calls", label: "date", count: "calls", filters: ["team", "queue"] },
  { name: "service-level", title: "Service level", label: "date", bars: ["answered", "abandoned"], by: ["day", "hour"], filters: ["team", "queue"] },
  { name: "tickets", title: "Tickets", label: "date", bars: ["created", "resolved"], by: ["day", "team", "assignee", "priority"], filters: ["team"] },
  { name: "webhooks", title: "Webhooks", label: "date", bars: ["delivered", "failed"], filters: [] },
];

/** Columns that nobody reads: names stand beside them. */
const HIDDEN = new Set(["agent_id", "call_id", "webhook_id", "group_id"]);
const WORDS = { service_level: "in time", success: "succeeded", avg_wait: "average wait", not_returned: "not returned" };

const title = (column) => {
  const bare = column.replace(/_ms$/, "");
  const words = WORDS[bare] ?? bare.replaceAll("_", " ").replace("p90", "90 %").replace("p50", "median").replace("p95", "95 %");
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** `820 ms`, `4:05`, `26:03:10`. */
function length(ms) {
  if (ms === 0) return "0";
  if (ms < 1000) return `${ms} ms`;
  const all = Math.round(ms / 1000);
  const two = (n) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(all / 3600), Math.floor(all / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`;
}

function shown(column, value) {
  if (value === null || value === undefined) return "–";
  if (column.endsWith("_ms")) return length(value);
  if (column === "service_level" || column === "success") return `${Math.round(value * 1000) / 10} %`;
  if (column === "hour") return `${String(value).padStart(2, "0")}:00`;
  if (column === "started_at") return new Date(value).toLocaleString();
  if (typeof value === "boolean") return value ? "yes" : "";
  return typeof value === "number" ? count(value) : String(value);
}

/** What is drawn: one bar a day or group. */
function bars(report, { columns, rows }) {
  const label = columns.includes("group") ? "group" : report.label;
  const names = report.bars ?? [report.count];
  const sums = new Map();
  for (const row of rows) {
    const key = row[label] ?? "none";
    const parts = sums.get(key) ?? names.map(() => 0);
    names.forEach((name, i) => { parts[i] += report.bars ? row[name] ?? 0 : 1; });
    sums.set(key, parts);
  }
  const all = [...sums].map(([key, parts]) => ({ label: key, parts }));
  const words = names[0].endsWith("_ms") ? length : count;
  return barChart(all, names.map((name) => title(name).toLowerCase()), words);
}

function table(report, { columns, rows }) {
  const seen = columns.filter((column) => !HIDDEN.has(column));
  const isNumber = (column) => rows.some((row) => typeof row[column] === "number");
  const numbers = new Set(seen.filter(isNumber));
  const cell = (row, column, i) => h(i ? "td" : "th", { class: numbers.has(column) ? "number" : null, scope: i ? null : "row", dir: "auto" }, shown(column, row[column]));
  return h("div", { class: "report-table", tabindex: "0", role: "region", "aria-label": report.title },
    h("table", {}, h("caption", { class: "visually-hidden" }, report.title),
      h("thead", {}, h("tr", {}, seen.map((column) => h("th", { scope: "col", class: numbers.has(column) ? "number" : null }, title(column))))),
      h("tbody", {}, rows.slice(0, ROWS_SHOWN).map((row) => h("tr", {}, seen.map((column, i) => cell(row, column, i)))))));
}

class ReportsView {
  constructor(root, { signal }) {
    this.signal = signal;
    const wish = new URLSearchParams(location.search);
    const changed = () => this.#read();
    const select = (options, value) => h("select", { class: "input", onchange: changed }, options.map(([key, words]) => h("option", { value: key, selected: key === value }, words)));
    this.name = select(REPORTS.map((report) => [report.name, report.title]), wish.get("report") ?? "agent-time");
    this.from = input({ type: "date", value: wish.get("from") ?? "", onchange: changed });
    this.to = input({ type: "date", value: wish.get("to") ?? "", onchange: changed });
    this.by = select([], "");
    this.team = select([["", "All teams"]], "");
    this.queue = input({ value: wish.get("queue") ?? "", onchange: changed, autocomplete: "off", placeholder: "All queues" });
    this.file = h("a", { class: "button", href: "/admin/reports", download: true }, icon("down"), "CSV");
    this.boxes = { by: field("by", "Rows", this.by), team: field("team", "Team", this.team), queue: field("queue", "Queue", this.queue) };
    this.says = h("p", { class: "quiet small", role: "status" });
    this.out = h("div", { class: "stack" });
    root.append(
      h("header", { class: "page-head" }, h("div", {}, h("h1", {}, "Reports"), h("p", {}, "How days and months were.")),
        h("div", { class: "row no-print" }, this.file, h("button", { type: "button", class: "button", onclick: () => print() }, "Print"))),
      h("div", { class: "report-wish no-print" }, field("report", "Report", this.name), field("from", "From", this.from), field("to", "To", this.to), Object.values(this.boxes)),
      this.says, this.out);
    this.#teams();
    this.#read();
  }

  async #teams() {
    try {
      const { data } = await api.get("/teams", { signal: this.signal });
      this.team.append(...(data ?? []).map(({ id, name }) => h("option", { value: id }, name)));
    } catch {
      // Then all teams it is.
    }
  }

  async #read() {
    this.asked?.abort();
    this.asked = new AbortController();
    const { signal } = this.asked;
    this.signal.addEventListener("abort", () => this.asked.abort(), { once: true });
    const report = REPORTS.find(({ name }) => name === this.name.value) ?? REPORTS[0];
    this.#offer(report);
    const wish = {
      from: this.from.value, to: this.to.value, by: report.by ? this.by.value : "",
      team: report.filters.includes("team") ? this.team.value : "", queue: report.filters.includes("queue") ? this.queue.value.trim() : "",
    };
    this.file.setAttribute("href", address(`/reports/${report.name}.csv${query(wish)}`));
    try {
      const { data } = await api.get(`/reports/${report.name}${query(wish)}`, { signal });
      if (signal.aborted) return;
      this.#draw(report, data);
      history.replaceState(null, "", `${location.pathname}${query({ report: report.name, from: data.from, to: data.to })}`);
    } catch (error) {
      if (signal.aborted || this.signal.aborted) return;
      const fields = Object.values(error.fields ?? {});
      fill(this.out, note("bad", fields.length ? fields.map((words) => `The days: ${words}`).join(". ") : sentence(error)));
      fill(this.says);
    }
  }

  #offer(report) {
    for (const name of ["team", "queue"]) this.boxes[name].hidden = !report.filters.includes(name);
    this.boxes.by.hidden = !report.by;
    const before = this.by.value;
    fill(this.by, (report.by ?? []).map((by) => h("option", { value: by, selected: by === before }, `By ${by}`)));
  }

  #draw(report, data) {
    this.from.value = data.from;
    this.to.value = data.to;
    const { rows } = data;
    const more = rows.length > ROWS_SHOWN ? ` The first ${count(ROWS_SHOWN)} are shown; the file has all.` : "";
    fill(this.says, `${report.title}, ${data.from} to ${data.to}, days of ${data.timezone}: ${count(rows.length)} ${rows.length === 1 ? "row" : "rows"}.${more}`);
    fill(this.out, rows.length ? [bars(report, data), table(report, data)] : empty("Nothing in these days", "Choose others, or another report."));
  }
}

export default {
  title: "Reports",
  mount: (root, ctx) => void new ReportsView(root, ctx),
};
