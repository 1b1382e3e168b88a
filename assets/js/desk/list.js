// A page of tickets, kept true by events; see LiveList.

import { LiveList } from "../live-list.js";
import { before, comparer, matches } from "./filters.js";

/** When a clock is due no event tells. */
const MOVES_CLOCKS = ["status", "priority", "team_id", "tags", "first_responded_at"];

/** Tickets as the filters want them. */
export class TicketList extends LiveList {
  /** Keeps itself up to date until `signal` aborts. */
  constructor(user, signal) {
    super("/tickets", "ticket.", user, signal);
  }

  matches(ticket) {
    return matches(ticket, this.filters, this.user.id);
  }

  before(event) {
    return before(event);
  }

  compare(a, b) {
    return comparer(this.filters.sort)(a, b);
  }

  isUnsaid({ type, changes }, known) {
    return !known || type === "ticket.restored" || Object.keys(changes ?? {}).some((name) => MOVES_CLOCKS.includes(name));
  }
}
