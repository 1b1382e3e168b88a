// The dialog in which staff open a ticket, for a customer or for themselves.

import { api, newKey } from "../api.js";
import { openDialog } from "../dialog.js";
import { fill, h, toast } from "../dom.js";
import { field, fieldError, input, onSubmit } from "../form.js";
import { personPicker } from "../picker.js";
import { choose, PRIORITIES, said, staffOptions, teamOptions } from "./words.js";

/** Opens it; `done(ticket)` is called with what was made. */
export function newTicket(user, done) {
  const life = new AbortController();
  const subject = input({ maxlength: "255", autofocus: true, autocomplete: "off", dir: "auto" });
  const words = h("textarea", { class: "input", rows: "6", maxlength: "65536", dir: "auto" });
  const requester = personPicker({ label: "Requester", keep: true, signal: life.signal });
  const priority = choose(Object.keys(PRIORITIES).map((name) => [name, said(name)]), "normal");
  const assignee = choose([["", "Nobody yet"], ...staffOptions(user)], "");
  const team = choose([["", "None"], ...teamOptions()], "");
  const tags = input({ placeholder: "printer, floor-2", autocomplete: "off" });
  const requesterBox = field("requester_id", "For whom", requester.control, "Nobody named: it is your own matter.");
  requesterBox.insertBefore(requester.box, requesterBox.querySelector(".hint"));
  const form = h("form");
  const node = openDialog({
    title: "New ticket",
    wrap: (parts) => fill(form, parts),
    body: [h("div", { "data-message": true }), requesterBox, field("subject", "Subject", subject), field("description", "What it is about", words),
      h("div", { class: "pair" }, field("priority", "Priority", priority), field("assignee_id", "Agent", assignee)),
      h("div", { class: "pair" }, field("team_id", "Team", team), field("tags", "Tags", tags, "With commas between them"))],
    foot: [h("button", { type: "button", class: "button", onclick: () => node.close() }, "Cancel"), h("button", { type: "submit", class: "button button-main" }, "Open ticket")],
    onclose: () => life.abort(),
  });
  let once = { body: "", key: "" };
  onSubmit(form, async () => {
    if (requester.control.value.trim() && !requester.value()) {
      fieldError(form, "requester_id", "Choose one of the suggestions, or leave it empty");
      return requester.control.focus();
    }
    if (!subject.value.trim()) {
      fieldError(form, "subject", "A few words, please");
      return subject.focus();
    }
    const ticket = {
      subject: subject.value, description: words.value, priority: priority.value, requester_id: requester.value(),
      assignee_id: assignee.value || null, team_id: team.value || null, tags: tags.value.split(",").map((tag) => tag.trim()).filter(Boolean), channel: "web",
    };
    const body = JSON.stringify(ticket);
    if (once.body !== body) once = { body, key: newKey() };
    const { data } = await api.post("/tickets", ticket, { key: once.key });
    node.close();
    toast(`Ticket #${data.number} is open`);
    return done(data);
  });
}
