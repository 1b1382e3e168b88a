// What an agent writes about a call while it lasts and after it: kept in this tab, over reloads too,
// until it was sent or its writer leaves.

import { people } from "../people.js";

const KEY = "deskbell.call-notes";
const NOTES_MAX = 20;

/** By call: `{disposition, note}`. Whose they are is written down with them. */
let notes = new Map();
let owner = null;

function store() {
  try {
    if (notes.size) sessionStorage.setItem(KEY, JSON.stringify({ owner, notes: [...notes] }));
    else sessionStorage.removeItem(KEY);
  } catch {
    // Then they last as long as the page.
  }
}

people.addEventListener("forgotten", ({ detail }) => {
  if (!detail.left) return;
  notes = new Map();
  store();
});

/** Finds again what `user` wrote in this tab; answers of which calls. */
export function findNotes(user) {
  if (owner !== user.id) {
    owner = user.id;
    notes = new Map();
    try {
      const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
      if (kept?.owner === user.id) notes = new Map(kept.notes);
    } catch {
      // Nothing that could be read.
    }
    store();
  }
  return [...notes.keys()];
}

/** What was written of a call and not sent, or undefined. */
export const noteOf = (id) => notes.get(id);

/** Keeps what was written; null forgets it. */
export function keepNote(id, note) {
  notes.delete(id);
  if (note) notes.set(id, note);
  for (const old of [...notes.keys()].slice(0, -NOTES_MAX)) notes.delete(old);
  store();
}
