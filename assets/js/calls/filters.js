// What a list of calls asks for: read from and written to the address, and judged here the way the
// server judges it, so that an event can tell whether its call belongs on the page.

import { toMs } from "../time.js";
import { numberOf, RUNNING } from "./words.js";

/** The names of all filters, as `GET /calls` has them. */
export const NAMES = ["state", "queue", "agent", "direction", "result", "from", "to", "q", "returned", "customer", "ticket"];

/** Lists that everybody has. */
export const VIEWS = [
  ["All", {}], ["Going on", { state: RUNNING.join(",") }], ["Mine", { agent: "me" }], ["Missed, not returned", { returned: "false" }],
];

/** What the address asks for. */
export function readAddress(search = location.search) {
  const params = new URLSearchParams(search);
  const filters = Object.fromEntries([...params].filter(([name, value]) => NAMES.includes(name) && value));
  return { filters, page: Math.max(1, Number.parseInt(params.get("page") ?? "1", 10) || 1) };
}

/** The address that asks for it. */
export function writeAddress(filters, page = 1) {
  const given = NAMES.filter((name) => filters[name]).map((name) => [name, String(filters[name])]);
  if (page > 1) given.push(["page", String(page)]);
  return given.length ? `/admin/calls?${new URLSearchParams(given)}` : "/admin/calls";
}

const list = (text) => String(text ?? "").split(",").map((word) => word.trim()).filter(Boolean);

/** Whether two sets of filters ask for the same. */
export function sameFilters(a, b) {
  const text = (filters) => JSON.stringify(NAMES.map((name) => list(filters[name]).sort()));
  return text(a) === text(b);
}

/** A day of the calendar here, in the server's terms; other text is the server's to judge. */
function day(text, days) {
  const [, year, month, date] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text ?? "") ?? [];
  return year ? new Date(Number(year), Number(month) - 1, Number(date) + days).toISOString() : text;
}

/** What the server is asked: days begin where the reader is, not in Greenwich. */
export const asked = (filters) => ({ ...filters, from: day(filters.from, 0), to: day(filters.to, 1) });

/** Fewest digits by which a longer number is recognised; fewer are looked for anywhere in it. */
const KEY_DIGITS = 7;

/** The digits of a number, without what is dialled to get out of a country or a town. */
export function digits(number) {
  const [bare] = String(number ?? "").replaceAll("(0)", "").split(/[,;@xwp]/);
  return bare.replace(/\D/g, "").replace(/^0+/, "");
}

/** Whether two numbers, by their digits, may be the same one, with and without the code of a country. */
const alike = (one, other) => one !== "" && other !== "" && (one.endsWith(other) || other.endsWith(one))
  && (one === other || Math.min(one.length, other.length) >= KEY_DIGITS);

function hasDigits(call, q) {
  const [wanted, number] = [digits(q), digits(numberOf(call))];
  return wanted.length < KEY_DIGITS ? number.includes(wanted) : alike(number, wanted);
}

/** Nobody answered a call that came in. */
const isMissed = (call) => call.direction === "inbound" && call.status === "ended" && !call.answered_at;

/** Whether `call` returns one that was missed: somebody spoke with that number later, or called it. */
export const returns = (call, missed) => (call.direction === "outbound" || Boolean(call.answered_at))
  && toMs(call.started_at) > toMs(missed.started_at) && alike(digits(numberOf(call)), digits(numberOf(missed)));

const anyOf = (text, value) => !list(text).length || list(text).includes(value);

/**
 * Whether the server would list this call under these filters for the user `me`. `known` is the row
 * that is shown of it: whoever had a call stays among its agents, and it may ring for several of them,
 * while an event names one.
 */
export function matches(call, f, me, known = null) {
  const agent = f.agent === "me" ? me : f.agent;
  const rings = known?.status === "ringing" && call.status === "ringing";
  const theirs = !agent || (agent === "none" ? !call.agent_id : rings || call.agent_id === agent || call.from_agent_id === agent || Boolean(known?.answered_at));
  const { from, to } = asked(f);
  return anyOf(f.state, call.status) && anyOf(f.queue, call.queue) && anyOf(f.result, call.result)
    && (!f.direction || call.direction === f.direction) && theirs
    && (!from || toMs(call.started_at) >= toMs(from)) && (!to || toMs(call.started_at) < toMs(to))
    && (!f.q || hasDigits(call, f.q))
    // Whether somebody has called back no event says; what was just missed nobody has.
    && (!f.returned || (isMissed(call) && (f.returned === "false" || Boolean(known))))
    && (!f.customer || call.customer_id === f.customer) && (!f.ticket || call.ticket_id === f.ticket);
}

/** A call as it was before a change; null when it was not there. */
export function before({ type, data, changes }) {
  if (type === "call.incoming" || type === "call.outgoing") return null;
  const old = { ...data };
  for (const [name, [was]] of Object.entries(changes ?? {})) if (name in old) old[name] = was;
  return old;
}

/** The newest first. Which of two that began at once was heard of first is in their ids. */
export const compare = (a, b) => toMs(b.started_at) - toMs(a.started_at) || (a.id < b.id ? 1 : -1);
