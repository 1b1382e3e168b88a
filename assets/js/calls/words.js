// What states and ends of calls are called, how they are judged, and how a call is named.

import { h } from "../dom.js";
import { nameOf } from "../people.js";
import { capital } from "../words.js";

/** States that a call can stand in, in the order of its life: what they are called and how they are judged. */
const STATES = { queued: ["Waiting", "warn"], ringing: ["Ringing", "info"], answered: ["Talking", "good"], on_hold: ["On hold", "warn"], ended: ["Over", "quiet"] };

/** How a call can have ended; a telephone system may say other words. */
const RESULTS = { answered: ["Answered", "quiet"], abandoned: ["Hung up", "bad"], missed: ["Missed", "bad"], no_answer: ["No answer", "warn"], unknown: ["Unknown end", "quiet"] };

/** The names of both, as filters have them. */
export const STATE_NAMES = Object.keys(STATES);
export const RESULT_NAMES = Object.keys(RESULTS);

/** States of a call that goes on. */
export const RUNNING = STATE_NAMES.filter((name) => name !== "ended");

const plain = (word) => capital(String(word).replaceAll("_", " "));

/** What a state or an end is called. */
export const stateSaid = (name) => STATES[name]?.[0] ?? plain(name);
export const resultSaid = (name) => RESULTS[name]?.[0] ?? plain(name);

/** Whether somebody waits for an agent again although the call was answered once. */
const waitsAgain = (call) => call.status === "answered" && Boolean(call.waiting_since);

/** Where a call stands, or how it ended, as a badge. */
export function standingBadge(call) {
  const over = call.status === "ended" && call.result;
  const [words, tone] = over ? RESULTS[call.result] ?? [plain(call.result), "quiet"]
    : waitsAgain(call) ? ["Waiting again", "warn"]
      : call.status === "ringing" && call.direction === "outbound" ? ["Calling", "info"] : STATES[call.status] ?? [plain(call.status), "quiet"];
  return h("span", { class: `badge tone-${tone}` }, words);
}

/** The number at the other end. */
export const numberOf = (call) => (call.direction === "outbound" ? call.to_number : call.from_number);

/** The other side by name, where one is known: the customer's, else the one that came with the number. */
export function callerName(call) {
  if (call.customer_id) return call.customer?.name ?? nameOf(call.customer_id);
  return call.direction === "inbound" ? call.from_name ?? null : null;
}

/** The other side in a few words. */
export const otherSide = (call) => callerName(call) ?? numberOf(call) ?? "an unknown number";

/** A number, which is read from left to right in every language. */
export const numberNode = (number, props = {}) => h("bdi", { dir: "ltr", ...props }, number ?? "No number");
