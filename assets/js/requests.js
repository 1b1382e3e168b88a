// What customers read about their requests: states and priorities in their words.

import { h } from "./dom.js";

const STATES = {
  open: ["Received", "info"],
  in_progress: ["In progress", "info"],
  pending: ["Waiting for you", "warn"],
  on_hold: ["On hold", "quiet"],
  resolved: ["Solved", "good"],
  closed: ["Closed", "quiet"],
};

export const PRIORITIES = [["low", "Low: whenever you can"], ["normal", "Normal"], ["high", "High: it is in my way"], ["urgent", "Urgent: work has stopped"]];

/** Whether somebody still has something to do. */
export const isOpen = ({ status }) => !["resolved", "closed"].includes(status);

/** How a request stands. */
export function stateBadge({ status, merged_into_id: merged }) {
  const [words, tone] = merged ? ["Merged", "quiet"] : STATES[status] ?? [status, "quiet"];
  return h("span", { class: `badge tone-${tone}` }, words);
}
