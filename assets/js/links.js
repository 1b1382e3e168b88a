// Where a thing is found on these pages, for staff and for customers.

import { may } from "./roles.js";

/** The beginning of every path that `user` has. */
export const home = (user) => (may(user, "agent") ? "/admin" : "/help");

/** Types after which the thing itself is no more. */
const ENDED = new Set(["ticket_deleted", "kb_article_deleted", "user_deleted"]);

/**
 * The path to what a notification speaks of, or null where there is no page for it. Without the
 * entity at hand, a comment's ticket is looked up by the page behind `/go/`.
 */
export function pathOf({ type, related_type: kind, related_id: id, entity }, user) {
  const base = home(user);
  const safe = encodeURIComponent(id);
  if (ENDED.has(type)) return null;
  if (type === "agent_state_forced" || type === "agent_state_overdue") return `${base}/agents`;
  switch (kind) {
    case "ticket": return `${base}/tickets/${safe}`;
    case "comment": return entity?.ticket_id ? `${base}/tickets/${encodeURIComponent(entity.ticket_id)}` : `${base}/go/comment/${safe}`;
    case "attachment": return `${base}/go/attachment/${safe}`;
    case "kb_article": return base === "/admin" ? `${base}/articles/${safe}` : `${base}/go/kb_article/${safe}`;
    case "chat": return `${base}/chats/${safe}`;
    case "call": return base === "/admin" ? `${base}/calls/${safe}` : null;
    case "webhook": return `${base}/webhooks/${safe}`;
    default: return null;
  }
}
