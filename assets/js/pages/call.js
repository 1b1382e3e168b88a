// One call: where it stands, how long it took, who had it, whose call it is, and what may be done.

import { sentence } from "../api.js";
import { Deeds } from "../calls/deeds.js";
import { dialButton } from "../calls/dial.js";
import { courseOf, timesOf } from "../calls/course.js";
import { Known, numberLine, linkForm } from "../calls/known.js";
import { OneCall } from "../calls/one-call.js";
import { numberOf, otherSide, standingBadge } from "../calls/words.js";
import { WriteUp } from "../calls/write-up.js";
import { directory } from "../directory.js";
import { empty, fill, h, icon, note } from "../dom.js";
import { people } from "../people.js";
import { may } from "../roles.js";
import { linePill } from "../shell.js";
import { moment } from "../time.js";

const crumb = () => h("a", { class: "crumb row", href: "/admin/calls" }, icon("back", 14), "Calls");

/** Whoever had a call writes it up, a supervisor for them; one that nobody had, anybody. */
function mayWrite({ call, user }) {
  const over = call.status === "ended";
  if (call.parts.some((part) => part.agent_id === user.id)) return true;
  return over && (may(user, "supervisor") || call.parts.length === 0);
}

function show(root, one, heading, signal) {
  const place = h("div", { class: "row" });
  const times = h("div", { class: "stack-s" });
  const course = h("ol", { class: "journey" });
  const banner = h("div", { "aria-live": "polite" });
  const write = new WriteUp(one, signal);
  const written = h("section", { class: "card card-pad stack-s", "aria-label": "Written up" }, h("h2", { class: "side-title" }, icon("pen", 17), "Written up"), write.node);
  const said = h("div", { class: "stack-s" });
  written.append(said);
  const back = h("div", {});
  const draw = () => {
    const { call } = one;
    document.title = `Call with ${otherSide(call)} · Deskbell`;
    fill(heading, call.direction === "outbound" ? "Call to " : "Call from ", h("bdi", {}, otherSide(call)));
    fill(place, standingBadge(call), h("span", { class: "quiet small" }, numberLine(call)), h("span", { class: "quiet small" }, moment(call.started_at)));
    fill(times, timesOf(call));
    fill(course, courseOf(call));
    const writes = mayWrite(one);
    write.node.hidden = !writes;
    said.hidden = writes;
    fill(said, call.disposition && h("p", {}, h("span", { class: "tag" }, h("bdi", {}, call.disposition))), call.note && h("p", { class: "call-note" }, call.note),
      !call.disposition && !call.note && h("p", { class: "small quiet" }, "Nothing yet."));
    const number = call.status === "ended" && numberOf(call);
    if (Boolean(number) !== back.childElementCount > 0) fill(back, number && dialButton(number, { words: "Call back", className: "" }));
    directory.look([call.agent_id, ...call.parts.map((part) => part.agent_id), ...call.offers.map((offer) => offer.agent_id)]);
  };
  one.addEventListener("changed", draw, { signal });
  one.addEventListener("trouble", ({ detail }) => fill(banner, detail && note("bad", sentence(detail))), { signal });
  people.addEventListener("learned", draw, { signal });
  draw();
  fill(root,
    h("header", { class: "page-head" }, h("div", {}, crumb(), heading, place), linePill(signal)),
    h("div", { class: "row" }, new Deeds(one, signal).node, back), banner,
    h("div", { class: "ticket" },
      h("div", { class: "stack" },
        h("section", { class: "card card-pad stack-s", "aria-label": "Times" }, times),
        h("section", { class: "card card-pad", "aria-label": "Course" }, h("h2", { class: "side-title" }, icon("clock", 17), "What happened"), course)),
      h("div", { class: "ticket-side" },
        h("section", { class: "card card-pad stack-s", "aria-label": "Customer and ticket" }, h("h2", { class: "side-title" }, icon("people", 17), "Customer and ticket"), new Known(one, signal).node, linkForm(one, signal)),
        written)));
}

function missing(root) {
  document.title = "No such call · Deskbell";
  fill(root, h("header", { class: "page-head" }, h("div", {}, crumb(), h("h1", { tabindex: "-1" }, "No such call"), h("p", {}, "There is no such call here."))),
    h("div", { class: "row" }, h("a", { class: "button button-main", href: "/admin/calls" }, "Go to the calls")));
  root.querySelector("h1").focus();
}

function mount(root, { params, user, signal }) {
  const heading = h("h1", { tabindex: "-1" }, "Call");
  root.append(h("header", { class: "page-head" }, h("div", {}, crumb(), heading)), h("div", { class: "card" }, empty("One moment", "Reading the call…")));
  const one = new OneCall(params.id, user, signal);
  const load = () => one.read().then(() => signal.aborted || show(root, one, heading, signal)).catch((error) => {
    if (signal.aborted) return;
    if ([400, 404, 422].includes(error.status)) missing(root);
    else fill(root, heading, note("bad", sentence(error)), h("div", { class: "row" }, h("button", { type: "button", class: "button", onclick: load }, "Try again")));
  });
  directory.load().catch(() => {});
  load();
}

export default { title: "Call", mount };
