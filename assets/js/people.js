// Remembers names: events carry ids, people want names. Learned from whatever passes by.

import { h } from "./dom.js";

const names = new Map();
/**
 * Hears `learned` when a name was not known before, and `forgotten` when nobody is signed in any
 * more; `detail.left` says that they will not be back, so that what they wrote goes too.
 */
export const people = new EventTarget();

/** Notes that `id` is called `name`. */
export function learn(id, name) {
  if (!id || !name || names.get(id) === name) return;
  names.set(id, name);
  people.dispatchEvent(new Event("learned"));
}

/** The name of a user, or the short end of the id while nobody has said it. */
export function nameOf(id) {
  if (!id) return "Somebody";
  return names.get(id) ?? `User …${String(id).slice(-6)}`;
}

/** Forgets every name: the next person may be of another organisation. */
export function forgetAll({ left }) {
  names.clear();
  people.dispatchEvent(new CustomEvent("forgotten", { detail: { left } }));
}

/** Whether somebody's name is known. */
export const isKnown = (id) => names.has(id);

const HUES = ["agent", "call", "chat", "ticket", "comment", "webhook", "people", "article"];

/** A coloured disc with initials; `online` adds a dot. */
export function avatar(name, { online = false } = {}) {
  const words = String(name ?? "").trim().split(/\s+/).filter(Boolean);
  const letters = [words[0], words.length > 1 ? words.at(-1) : ""].map((w) => [...(w ?? "")][0] ?? "").join("");
  let sum = 0;
  for (const letter of String(name)) sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
  return h("span", { class: `avatar hue-${HUES[sum % HUES.length]}${online ? " avatar-dot" : ""}`, "aria-hidden": "true" },
    letters.toUpperCase() || "?");
}
