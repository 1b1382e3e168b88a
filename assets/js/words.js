// Makes a human sentence of an event: a list of parts, `{text, strong}`, for text nodes only.

import { nameOf } from "./people.js";
import { span } from "./time.js";

/** What people call the states an agent can be in, and how each is judged. */
export const STATES = {
  available: { words: "available", tone: "good" },
  busy: { words: "busy", tone: "bad" },
  away: { words: "away", tone: "warn" },
  offline: { words: "offline", tone: "quiet" },
  on_call: { words: "on a call", tone: "info" },
  wrap_up: { words: "wrapping up", tone: "info" },
};

/** A state in words, also one that this page does not know. */
export const stateWords = (state) => STATES[state]?.words ?? plain(state) ?? "unknown";

/** How a state is judged: good, warn, bad, info or quiet. */
export const tone = (state) => STATES[state]?.tone ?? "quiet";

/** The same words as the beginning of a sentence. */
export const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);

/** The colour family of a kind, by its first segment. */
export function hue(kind) {
  switch (String(kind).split(".")[0]) {
    case "agent": return "agent";
    case "call": return "call";
    case "chat": return "chat";
    case "ticket": return "ticket";
    case "comment": case "attachment": case "notification": return "comment";
    case "webhook": return "webhook";
    case "user": case "team": return "people";
    case "kb_article": return "article";
    case "sla": return "sla";
    default: return "custom";
  }
}

const plain = (value) => (typeof value === "string" || typeof value === "number" ? String(value).replaceAll("_", " ") : undefined);
const cut = (text, max = 90) => (text && text.length > max ? `${text.slice(0, max - 1).trimEnd()}…` : text);
const quoted = (text) => text && `‘${cut(plainText(text))}’`;
const plainText = (value) => (typeof value === "string" || typeof value === "number" ? String(value) : undefined);

/** Values in a template become strong parts; those that are absent leave no trace. */
function say(strings, ...values) {
  const parts = [];
  strings.forEach((text, i) => {
    if (text) parts.push({ text, strong: false });
    const value = values[i];
    if (Array.isArray(value)) parts.push(...value);
    else if (value !== undefined && value !== null && value !== "") parts.push({ text: String(value), strong: true });
  });
  return parts;
}
const soft = (text) => (text ? [{ text, strong: false }] : "");

const who = (e) => plainText(e.actor?.name) ?? "Somebody";
const person = (e, id, name) => plainText(name) ?? (id && id === e.actor?.id ? who(e) : nameOf(id));
const ticket = (d) => [plain(d.number ?? d.ticket_number) && `#${plain(d.number ?? d.ticket_number)}`, quoted(d.subject ?? d.ticket_subject)].filter(Boolean).join(" ") || "a ticket";
const caller = (d) => plainText(d.from_name) ?? plainText(d.from_number) ?? plainText(d.caller_name) ?? plainText(d.from) ?? "a caller";
const hook = (d) => quoted(d.name ?? d.webhook_name) ?? (plain(d.webhook_id) ? `number ${plain(d.webhook_id)}` : "endpoint");
const guest = (d) => plainText(d.visitor_name) ?? plainText(d.customer_name) ?? plainText(d.name) ?? "a visitor";
const queue = (d) => (plainText(d.queue) ? ` in ${plainText(d.queue)}` : "");
const agent = (e) => person(e, e.data.agent_id ?? e.data.assignee_id ?? e.data.user_id, e.data.agent_name ?? e.data.assignee_name);
const file = (d) => plainText(d.filename) ?? "a file";

function agentState(e) {
  const d = e.data;
  const why = plain(d.reason) ? ` · ${cut(plain(d.reason), 40)}` : "";
  const name = person(e, d.user_id, d.user_name);
  const next = d.next_state ? `, ${stateWords(d.next_state)} comes after` : "";
  if (d.previous_state === d.state) return say`${name} is still ${stateWords(d.state)}${soft(why + next)}`;
  const notes = [d.previous_state && `was ${stateWords(d.previous_state)}`,
    Number.isFinite(d.previous_duration_ms) && `for ${span(d.previous_duration_ms)}`].filter(Boolean).join(" ");
  return say`${name} is now ${stateWords(d.state)}${soft(why + (notes && ` (${notes})`))}`;
}

function ticketStatus(e) {
  const from = plain(e.changes?.status?.[0]);
  return say`${who(e)} moved ticket ${ticket(e.data)} to ${plain(e.data.status) ?? "another state"}${soft(from && ` (was ${from})`)}`;
}

function changed(e) {
  const fields = Object.keys(e.changes ?? {}).filter((name) => name !== "updated_at" && name !== "version");
  return soft(fields.length ? `: ${fields.slice(0, 4).map(plain).join(", ")}` : "");
}

/** `{created: "opened", …}` gives one sentence a deed. */
function deeds(thing, name, verbs) {
  return (e, deed) => say`${who(e)} ${soft(`${verbs?.[deed] ?? plain(deed)} ${thing} `)}${name(e.data)}${deed === "updated" ? changed(e) : ""}`;
}
const person2 = (d) => plainText(d.name) ?? plainText(d.email) ?? "somebody";

const SENTENCES = {
  "agent.state.changed": agentState,
  "agent.state.overdue": (e) => say`${person(e, e.data.user_id)} is over the ${span((e.data.limit_minutes ?? 0) * 60_000)} of ${plainText(e.data.reason) ?? stateWords(e.data.state)}`,
  "call.incoming": (e) => say`Call from ${caller(e.data)}${soft(queue(e.data))}`,
  "call.outgoing": (e) => say`${agent(e)} calls ${plainText(e.data.to_number) ?? "somebody"}`,
  "call.ringing": (e) => say`Call from ${caller(e.data)} rings at ${agent(e)}`,
  "call.offer.missed": (e) => say`${agent(e)} did not pick up the call from ${caller(e.data)}`,
  "call.answered": (e) => say`${agent(e)} answered ${caller(e.data)}${soft(Number.isFinite(e.data.wait_ms) && ` after ${span(e.data.wait_ms)}`)}`,
  "call.held": (e) => say`${agent(e)} put ${caller(e.data)} on hold`,
  "call.resumed": (e) => say`${agent(e)} is back with ${caller(e.data)}`,
  "call.transferred": (e) => say`Call from ${caller(e.data)} was passed on by ${who(e)}`,
  "call.ended": (e) => say`Call with ${caller(e.data)} ended${soft(Number.isFinite(e.data.talk_ms) && ` after ${span(e.data.talk_ms)}`)}`,
  "call.missed": (e) => say`Missed call from ${caller(e.data)}`,
  "call.abandoned": (e) => say`${caller(e.data)} hung up while waiting${soft(queue(e.data))}`,
  "call.updated": (e) => say`The call with ${caller(e.data)} was changed${changed(e)}`,
  "call.wrapup.completed": (e) => say`${agent(e)} finished wrapping up`,
  "chat.created": (e) => say`${guest(e.data)} started a chat`,
  "chat.updated": (e) => say`The chat with ${guest(e.data)} changed`,
  "chat.message": (e) => say`${plainText(e.data.author_name) ?? who(e)} wrote ${soft(quoted(e.data.body) ?? "a message")}`,
  "chat.message.updated": (e) => say`${who(e)} edited a chat message`,
  "chat.message.deleted": (e) => say`${who(e)} deleted a chat message`,
  "chat.assigned": (e) => say`Chat with ${guest(e.data)} goes to ${agent(e)}`,
  "chat.read": (e) => say`${who(e)} read a chat`,
  "chat.closed": (e) => say`${who(e)} closed the chat with ${guest(e.data)}`,
  "chat.reopened": (e) => say`${who(e)} reopened the chat with ${guest(e.data)}`,
  "ticket.created": (e) => say`${who(e)} opened ticket ${ticket(e.data)}`,
  "ticket.status.changed": ticketStatus,
  "ticket.assigned": (e) => say`Ticket ${ticket(e.data)} was assigned to ${agent(e)}`,
  "ticket.unassigned": (e) => say`Ticket ${ticket(e.data)} is free again`,
  "sla.warning": (e) => say`Ticket ${ticket(e.data)} is due soon`,
  "sla.breached": (e) => say`Ticket ${ticket(e.data)} is overdue`,
  "sla.met": (e) => say`Ticket ${ticket(e.data)} was served in time`,
  "notification.created": (e) => say`Notice: ${quoted(e.data.message) ?? "something new"}`,
  "notification.read": (e) => say`${who(e)} read a notice`,
  "webhook.test": (e) => say`${who(e)} sent a test to webhook ${hook(e.data)}`,
  "webhook.failing": (e) => say`Webhook ${hook(e.data)} keeps failing${soft(plainText(e.data.error) && `: ${cut(e.data.error, 70)}`)}`,
  "webhook.recovered": (e) => say`Webhook ${hook(e.data)} is well again`,
  "webhook.exhausted": (e) => say`Webhook ${hook(e.data)} gave up on a delivery`,
  "webhook.disabled": (e) => say`Webhook ${hook(e.data)} was switched off`,
  "webhook.backlog": (e) => say`Webhook ${hook(e.data)} has a growing backlog`,
};

const FAMILIES = {
  ticket: deeds("ticket", ticket),
  comment: deeds("a comment", (d) => quoted(d.body), { created: "wrote", updated: "edited" }),
  attachment: deeds("", file, { added: "attached", updated: "replaced", deleted: "removed" }),
  user: deeds("user", person2, { created: "added" }),
  team: deeds("team", (d) => plainText(d.name), { created: "made" }),
  kb_article: deeds("article", (d) => quoted(d.title), { created: "wrote" }),
};

/** A kind nobody here knows: its own words, and the first few values it carries. */
function stranger(e) {
  const some = Object.entries(e.data ?? {})
    .filter(([name, v]) => plainText(v) !== undefined && !/(^|_)id$/.test(name)).slice(0, 3)
    .map(([name, v]) => `${plain(name)} ${cut(plainText(v), 40)}`).join(", ");
  return say`${plain(e.type.replaceAll(".", " "))}${soft(some && `: ${some}`)}`;
}

/** The parts of an event's sentence; whatever the data holds, there is one. */
export function sentenceOf(event) {
  const e = { ...event, data: event.data && typeof event.data === "object" ? event.data : {} };
  const [family, ...deed] = e.type.split(".");
  try {
    return (SENTENCES[e.type] ?? FAMILIES[family] ?? stranger)(e, deed.join(" "));
  } catch {
    return [{ text: e.type, strong: true }];
  }
}

/** The same as one string. */
export const sentenceText = (event) => sentenceOf(event).map((part) => part.text).join("");
