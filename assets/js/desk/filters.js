// What a list of tickets asks for: read from and written to the address, and judged here the way the
// server judges it, so that an event can tell whether its ticket belongs on the page.

import { toMs } from "../time.js";
import { PRIORITIES, UNFINISHED } from "./words.js";

/** The names of all filters, as `GET /tickets` and views have them. */
export const NAMES = [
  "status", "priority", "assignee", "team", "requester", "tag", "type", "channel", "q",
  "created_after", "created_before", "updated_after", "updated_before", "deleted", "sort",
];

/** What is shown to somebody who asked for nothing in particular. */
export const USUAL = { status: UNFINISHED.join(","), sort: "-updated_at" };

/** What the address asks for. */
export function readAddress(search = location.search) {
  const params = new URLSearchParams(search);
  const known = [...params].filter(([name, value]) => NAMES.includes(name) && value);
  const filters = known.length || params.has("all") ? Object.fromEntries(known) : { ...USUAL };
  return { filters, page: Math.max(1, Number.parseInt(params.get("page") ?? "1", 10) || 1) };
}

/** The address that asks for it. */
export function writeAddress(filters, page = 1) {
  const given = NAMES.filter((name) => filters[name]).map((name) => [name, String(filters[name])]);
  if (!given.length) given.push(["all", "1"]);
  if (page > 1) given.push(["page", String(page)]);
  return `/admin/tickets?${new URLSearchParams(given)}`;
}

/** Whether two sets of filters ask for the same. */
export function sameFilters(a, b) {
  const text = (filters) => JSON.stringify(NAMES.map((name) => String(filters[name] ?? "").split(",").filter(Boolean).sort().join(",")).map((value, i) => (NAMES[i] === "sort" && !value ? "-updated_at" : value)));
  return text(a) === text(b);
}

const list = (text) => String(text ?? "").split(",").map((word) => word.trim()).filter(Boolean);
const plain = (text) => String(text).normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const wordsOf = (text) => plain(text).split(/[^\p{L}\p{N}]+/u).filter(Boolean);

function hasWords(ticket, q) {
  const typed = q.trim();
  if (String(ticket.number) === typed.replace(/^#/, "")) return true;
  const wanted = wordsOf(typed);
  if (!wanted.length) return false;
  const have = wordsOf(ticket.subject);
  const last = wanted.pop();
  return wanted.every((word) => have.includes(word)) && have.some((word) => word.startsWith(last));
}

const within = (value, from, before) => (!from || toMs(value) >= toMs(from)) && (!before || toMs(value) < toMs(before));
const anyOf = (text, value) => !list(text).length || list(text).includes(value);
const who = (wanted, value, me) => !wanted || (wanted === "none" ? !value : value === (wanted === "me" ? me : wanted));

/** Whether the server would list this ticket under these filters for the user `me`. */
export function matches(ticket, f, me) {
  return Boolean(ticket.deleted_at) === (String(f.deleted) === "true")
    && anyOf(f.status, ticket.status) && anyOf(f.priority, ticket.priority) && anyOf(f.channel, ticket.channel)
    && anyOf(f.type, ticket.type)
    && who(f.assignee, ticket.assignee_id, me) && who(f.team, ticket.team_id, me) && who(f.requester, ticket.requester_id, me)
    && (!list(f.tag).length || list(f.tag).some((tag) => ticket.tags.includes(tag)))
    && (!f.q?.trim() || hasWords(ticket, f.q))
    && within(ticket.created_at, f.created_after, f.created_before) && within(ticket.updated_at, f.updated_after, f.updated_before);
}

/** A ticket as it was before a change; null when it was not there. */
export function before({ type, data, changes }) {
  if (type === "ticket.created") return null;
  const old = { ...data };
  for (const [name, [was]] of Object.entries(changes ?? {})) if (name in old) old[name] = was;
  if (type === "ticket.deleted") old.deleted_at = null;
  if (type === "ticket.restored") old.deleted_at = old.updated_at;
  return old;
}

const RANKS = Object.keys(PRIORITIES);
const KEYS = {
  updated_at: (t) => toMs(t.updated_at), created_at: (t) => toMs(t.created_at),
  number: (t) => t.number, priority: (t) => RANKS.indexOf(t.priority),
};

/** How two tickets stand in the list; ties are broken as on the server. */
export function comparer(sort) {
  const text = sort || "-updated_at";
  const down = text.startsWith("-");
  const key = KEYS[text.replace(/^-/, "")] ?? KEYS.updated_at;
  return (a, b) => (down ? -1 : 1) * (key(a) - key(b) || (key === KEYS.priority && KEYS.updated_at(a) - KEYS.updated_at(b)) || a.number - b.number);
}
