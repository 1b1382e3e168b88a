// The small coloured disc that says what a notification speaks of.

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
