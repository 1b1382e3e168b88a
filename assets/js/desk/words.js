// What statuses and priorities are called, how they are judged, and fields to choose them with.

import { directory } from "../directory.js";
import { fill, h } from "../dom.js";
import { capital } from "../words.js";

/** Statuses in the order of their life, each with how it is judged. */
export const STATUSES = { open: "info", in_progress: "good", pending: "warn", on_hold: "warn", resolved: "quiet", closed: "quiet" };

/** Priorities from the mildest, each with how it is judged. */
export const PRIORITIES = { low: "quiet", normal: "quiet", high: "warn", urgent: "bad" };

/** What is not over. */
export const UNFINISHED = ["open", "in_progress", "pending", "on_hold"];

/** `in_progress` → `In progress`. */
export const said = (word) => capital(String(word).replaceAll("_", " "));

/** A badge for a status. */
export const statusBadge = (status) => h("span", { class: `badge status tone-${STATUSES[status] ?? "quiet"}` }, said(status));

/** A sign for a priority. */
export const priorityBadge = (priority) => h("span", { class: `priority priority-${priority in PRIORITIES ? priority : "normal"}` }, said(priority));

/** A `<select>` of `[value, words]`; a value that is not among them is added, so that nothing is lost. */
export function choose(options, value, props = {}) {
  const all = options.some(([name]) => name === value) ? options : [...options, [value, said(value)]];
  return h("select", { class: "input", ...props }, all.map(([name, words]) => h("option", { value: name, selected: name === value }, words)));
}

/** What stands in a `<select>`, as text. */
const standing = new WeakMap();

/**
 * Puts other options into a `<select>` and keeps its value, known or not. The same options are left
 * alone: somebody may be looking at them.
 */
export function refillOptions(select, options, value) {
  const unknown = !options.some(([name]) => name === value);
  const all = unknown ? [...options, [value, "Something that is gone"]] : options;
  const text = JSON.stringify(all);
  if (standing.get(select) !== text) fill(select, all.map(([name, words]) => h("option", { value: name }, words)));
  standing.set(select, text);
  if (select.value !== value) select.value = value;
}

/** Options for everybody who can be given a ticket. */
export const staffOptions = (user) => directory.staff.map(({ id, name }) => [id, id === user.id ? `${name} (you)` : name]);

/** Options for the teams. */
export const teamOptions = () => directory.teams.map(({ id, name }) => [id, name]);
