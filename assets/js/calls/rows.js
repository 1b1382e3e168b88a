// The lines of a list of calls: drawn anew where something changed, and left alone elsewhere.

import { h, icon } from "../dom.js";
import { Keyed } from "../keyed.js";
import { avatar, nameOf } from "../people.js";
import { length, since, ticking } from "../time.js";
import { dialButton } from "./dial.js";
import { callerName, numberNode, numberOf, otherSide, standingBadge } from "./words.js";

const NAMES = ["Call", "State", "Agent", "Waited", "Talked", "Began"];

const lasted = (ms, since) => (Number.isFinite(ms) ? length(ms) : since ? ticking(since) : null);

function row(call, { go, mayReturn }) {
  const name = callerName(call);
  const number = numberOf(call);
  const talks = call.answered_at && !["ended", "queued", "ringing"].includes(call.status);
  const link = h("a", { class: "ticket-link", href: `/admin/calls/${call.id}` }, h("bdi", { dir: name ? "auto" : "ltr" }, otherSide(call)));
  const cells = [
    h("td", {}, h("div", { class: "ticket-cell" },
      h("span", { class: `way way-${call.direction}`, title: call.direction === "outbound" ? "Going out" : "Coming in" }, icon(call.direction === "outbound" ? "up" : "below", 15),
        h("span", { class: "visually-hidden" }, call.direction === "outbound" ? "Call to " : "Call from ")),
      h("div", {}, link, h("small", { class: "ticket-small" }, name && number && numberNode(number), call.queue && h("span", {}, "in ", h("bdi", {}, call.queue)), call.disposition && h("span", { class: "tag" }, h("bdi", {}, call.disposition)))))),
    h("td", {}, standingBadge(call)),
    h("td", {}, call.agent_id ? h("span", { class: "agent-cell" }, avatar(nameOf(call.agent_id)), h("bdi", {}, nameOf(call.agent_id))) : h("span", { class: "quiet small" }, "Nobody")),
    h("td", { "data-name": "Waited" }, lasted(call.wait_ms, call.status === "ended" ? null : call.waiting_since ?? call.started_at)),
    h("td", { "data-name": "Talked" }, lasted(call.talk_ms, talks ? call.answered_at : null)),
    h("td", { "data-name": "Began" }, mayReturn && number ? dialButton(number, { words: "Call back", who: name ?? "" }) : null, since(call.started_at, "", " ago")),
  ];
  const node = h("tr", { class: "opens" }, cells);
  node.addEventListener("click", (event) => {
    if (!event.target.closest("a, button") && !getSelection()?.toString()) go(`/admin/calls/${call.id}`);
  });
  return node;
}

/** The table; `show(calls, fresh)` draws them in this order. */
export class CallRows {
  constructor(options) {
    const body = h("tbody");
    // A name that is learned, or a ticket's customer, makes another line of the same version.
    const mark = (call) => [call.version, nameOf(call.agent_id), nameOf(call.customer_id), options.mayReturn()].join();
    this.keyed = new Keyed(body, (call) => row(call, { go: options.go, mayReturn: options.mayReturn() }), { mark });
    this.node = h("table", { class: "table table-calls" }, h("caption", { class: "visually-hidden" }, "Calls"),
      h("thead", {}, h("tr", {}, NAMES.map((name) => h("th", { scope: "col" }, name)))), body);
  }

  show(calls, fresh = []) {
    this.keyed.draw(calls);
    for (const id of fresh) this.keyed.node(id)?.classList.add("fresh");
  }
}
