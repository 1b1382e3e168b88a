// What the pages about articles share: their states in words, categories, and drafts that are kept.

import { api } from "./api.js";
import { h, icon } from "./dom.js";
import { people } from "./people.js";

export const STATES = {
  draft: { words: "Draft", tone: "warn" },
  published: { words: "Published", tone: "good" },
  archived: { words: "Archived", tone: "quiet" },
};

/** A badge for an article's state, and one more where only staff may read it. */
export function stateBadges({ status, visibility }) {
  const { words, tone } = STATES[status] ?? { words: status, tone: "quiet" };
  return [
    h("span", { class: `badge tone-${tone}` }, words),
    visibility === "internal" && h("span", { class: "lock-mark", title: "Only staff can read this" }, icon("lock", 13), "Staff"),
  ];
}

/** `12 of 15 found it helpful`, or nothing while nobody said so. */
export function helped({ helpful_yes: yes, helpful_no: no }) {
  return yes + no ? `${yes} of ${yes + no} found it helpful` : "";
}

/** All categories, in their order. */
export async function categories(signal) {
  const { data } = await api.get("/kb/categories", { signal });
  return data ?? [];
}

/** Unsaved texts by article, kept while the page lives. */
const drafts = new Map();
const DRAFTS_MAX = 20;

people.addEventListener("forgotten", ({ detail }) => detail.left && drafts.clear());

/** Keeps `draft` for an article, or forgets it when there is none. */
export function keepDraft(id, draft) {
  drafts.delete(id);
  if (draft) drafts.set(id, draft);
  for (const old of [...drafts.keys()].slice(0, -DRAFTS_MAX)) drafts.delete(old);
}

/** What was kept. */
export const keptDraft = (id) => drafts.get(id) ?? null;
