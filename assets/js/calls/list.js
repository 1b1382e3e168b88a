// A page of calls, kept true by events; see LiveList.

import { LiveList } from "../live-list.js";
import { asked, before, compare, matches, returns } from "./filters.js";

/** Calls as the filters want them, the newest first. */
export class CallList extends LiveList {
  /** Keeps itself up to date until `signal` aborts. */
  constructor(user, signal) {
    super("/calls", "call.", user, signal);
  }

  asked(filters) {
    return asked(filters);
  }

  matches(call, known) {
    return matches(call, this.filters, this.user.id, known);
  }

  before(event) {
    return before(event);
  }

  compare(a, b) {
    return compare(a, b);
  }

  hear(event) {
    const { type, data } = event;
    const known = this.rows.find(({ id }) => id === data?.id);
    // It names whoever wrote the call up, who need not be the one that has it.
    if (type === "call.wrapup.completed" && known) super.hear({ ...event, data: { ...data, agent_id: known.agent_id } });
    else super.hear(event);
    if (this.ready && this.filters.returned) this.#returned(data);
  }

  /** Who is called back, or spoken with, has not been missed any more. */
  #returned(call) {
    if (this.filters.returned === "false") {
      for (const row of this.rows.filter((missed) => returns(call, missed))) this.drop(row.id);
    } else if (call?.direction === "outbound" || call?.answered_at) {
      this.moved = true;
      this.tell([]);
    }
  }
}
