// What a notification speaks of: a small coloured disc, and the ticket where the words do not say it.

import { h, icon } from "./dom.js";

const SIGNS = {
  ticket: "ticket", comment: "talk", attachment: "clip", kb_article: "book", user: "people",
  call: "phone", chat: "talk", webhook: "hook",
};
const HUES = {
  ticket: "ticket", comment: "comment", attachment: "comment", kb_article: "article", user: "people",
  call: "call", chat: "chat", webhook: "webhook",
};

/** The sign of what a notification speaks of, in the colour of its family. */
export function sign({ type, related_type: kind }) {
  const late = type === "sla_warning" || type === "sla_breached";
  return h("span", { class: `sign hue-${late ? "sla" : HUES[kind] ?? "custom"}` }, icon(late ? "clock" : SIGNS[kind] ?? "bell", 17));
}

/** Signs that turn the direction of what follows: in a quoted subject they would turn the sentence around it. */
const TURNS = /[\u202a-\u202e\u2066-\u2069]/g;

/** The words of a notification. */
export const told = ({ message }) => message.replace(TURNS, "");

/** Which ticket a message speaks of that does not say so, where it is known. */
export function about({ message, entity }) {
  const { number, subject } = entity ?? {};
  if (!Number.isInteger(number) || typeof subject !== "string" || message.includes(subject)) return null;
  return h("small", { dir: "auto" }, `#${number} ${subject}`);
}
