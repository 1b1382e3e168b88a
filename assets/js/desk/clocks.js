// The two clocks of a ticket: when the first answer and the solution are due, met or missed.

import { fill, h, icon } from "../dom.js";
import { countdown, moment } from "../time.js";

const badge = (tone, words) => h("span", { class: `badge tone-${tone}` }, words);

/** How a clock stands: `{shown, more}`, or null where none was ever seen. */
function standing({ done, due, said, waits }) {
  if (done) return { shown: said === "breached" ? badge("bad", "Missed") : said === "met" ? badge("good", "Met") : badge("quiet", "Done"), more: moment(done) };
  if (due) return { shown: countdown(due), more: moment(due) };
  if (waits) return { shown: badge("quiet", "Paused"), more: "while the ticket waits for somebody else" };
  return said ? { shown: badge(said === "breached" ? "bad" : "quiet", said === "breached" ? "Missed" : "Stopped"), more: "" } : null;
}

/** The card with both; hidden while there is nothing to say. `history` knows what the clocks said. */
export class Clocks {
  #ran = { first_response: false, resolution: false };

  constructor(one, history, signal) {
    this.one = one;
    this.history = history;
    this.list = h("dl", { class: "clocks" });
    this.node = h("section", { class: "card card-pad", "aria-label": "Service level" }, h("h2", { class: "side-title" }, icon("clock", 17), "Service level"), this.list);
    one.addEventListener("changed", () => this.draw(), { signal });
    history.addEventListener("changed", () => this.draw(), { signal });
    this.draw();
  }

  draw() {
    const { ticket, said } = this.one;
    const told = { ...this.history.clocks, ...said };
    this.#ran.first_response ||= Boolean(ticket.first_response_due_at);
    this.#ran.resolution ||= Boolean(ticket.resolution_due_at);
    const waits = ["pending", "on_hold"].includes(ticket.status);
    const over = ["resolved", "closed"].includes(ticket.status);
    const rows = [
      ["First answer", standing({ done: ticket.first_responded_at, due: ticket.first_response_due_at, said: told.first_response })],
      ["Solution", standing({
        done: over && ticket.resolved_at, due: ticket.resolution_due_at, said: told.resolution,
        waits: waits && (this.#ran.resolution || Boolean(told.resolution) || Boolean(ticket.first_response_due_at)),
      })],
    ].filter(([, row]) => row);
    fill(this.list, rows.map(([name, { shown, more }]) => h("div", {}, h("dt", {}, name), h("dd", {}, shown, h("small", {}, more)))));
    this.node.hidden = rows.length === 0;
  }
}
