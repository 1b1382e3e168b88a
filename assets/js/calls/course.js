// What happened to a call, in order and in words; and its times as a line.

import { h } from "../dom.js";
import { nameOf } from "../people.js";
import { length, moment, ticking, toMs } from "../time.js";
import { numberNode, resultSaid } from "./words.js";

const person = (id) => (id ? h("bdi", {}, nameOf(id)) : "somebody");

function target(to) {
  if (to.agent) return person(to.agent);
  return to.queue ? ["the queue ", h("bdi", {}, to.queue)] : numberNode(to.number);
}

const after = (from, to) => (from && to ? ` after ${length(toMs(to) - toMs(from))}` : "");

function began(call) {
  if (call.direction === "outbound") return [person(call.agent_id), " called ", numberNode(call.to_number)];
  return ["Came in", call.queue && [" and waited in ", h("bdi", {}, call.queue)]];
}

/** `[when, tone, words]` of everything that happened, in order. */
function steps(call) {
  const { parts, offers, transfers } = call;
  const given = (part) => transfers.some(({ at, to }) => to.agent === part.agent_id && at === part.started_at);
  const passed = (part) => transfers.some(({ at, from_agent_id: from }) => from === part.agent_id && at === part.ended_at);
  return [
    [call.started_at, "info", began(call)],
    ...offers.flatMap(({ agent_id: id, ringing_at: rang, missed_at: missed }) => [
      [rang, "quiet", ["Rang at ", person(id)]], missed && [missed, "warn", [person(id), " did not take it", after(rang, missed)]]]),
    ...parts.flatMap((part) => [
      !given(part) && [part.started_at, "good", [person(part.agent_id), call.direction === "outbound" ? " was answered" : " took it"]],
      part.ended_at && !passed(part) && part.ended_at !== call.ended_at && [part.ended_at, "quiet", [person(part.agent_id), " left it"]],
      part.wrapped_up_at && [part.wrapped_up_at, "quiet", [person(part.agent_id), " wrote it up", after(part.ended_at, part.wrapped_up_at)]]]),
    ...transfers.map(({ at, from_agent_id: from, to }) => [at, "info", [person(from), " passed it on to ", target(to)]]),
    call.held_since && [call.held_since, "warn", "On hold"],
    call.ended_at && [call.ended_at, call.answered_at ? "good" : "bad", ["Over: ", resultSaid(call.result ?? "ended")]],
  ].filter((step) => step && step[0]).sort((a, b) => toMs(a[0]) - toMs(b[0]));
}

/** The lines of what happened. */
export const courseOf = (call) => steps(call).map(([at, tone, words]) => h("li", { class: `tone-${tone}` }, h("p", { class: "step-words" }, words, " ", moment(at))));

/** Waiting, talk and hold as one line of words, and as a bar for those who see it. */
export function timesOf(call) {
  const over = call.status === "ended";
  const waits = over ? null : call.waiting_since ?? (call.answered_at ? null : call.started_at);
  const wait = Number.isFinite(call.wait_ms) ? length(call.wait_ms) : waits && ticking(waits);
  const talk = Number.isFinite(call.talk_ms) ? length(call.talk_ms) : !over && call.answered_at && ticking(call.answered_at);
  const hold = call.hold_ms > 0 && length(call.hold_ms);
  const parts = [
    wait && ["wait", over || call.answered_at ? "Waited " : "Waiting ", wait],
    talk && ["talk", over ? "talked " : "with us for ", talk],
    hold && ["hold", "on hold ", hold],
    call.held_since && !over && ["hold", "on hold now for ", ticking(call.held_since)],
  ].filter(Boolean);
  const line = h("p", { class: "call-times" }, parts.map(([name, words, time]) => h("span", { class: `call-time call-${name}` }, words, h("b", {}, time))));
  const sums = [["wait", call.wait_ms], ["talk", call.talk_ms], ["hold", call.hold_ms]].filter(([, ms]) => ms > 0);
  const all = sums.reduce((sum, [, ms]) => sum + ms, 0);
  if (!over || !all) return [line];
  const bar = h("div", { class: "call-bar", "aria-hidden": "true" }, sums.map(([name, ms]) => {
    const piece = h("span", { class: `call-${name}` });
    // Set by script: the policy of these pages refuses styles that stand in the text.
    piece.style.flexGrow = String(Math.max(ms / all, 0.01));
    return piece;
  }));
  return [line, bar];
}
