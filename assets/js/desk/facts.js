// What is true of a ticket and can be changed in place: status, priority, who works on it, tags, due.

import { sentence } from "../api.js";
import { directory } from "../directory.js";
import { fill, h, icon, note, toast } from "../dom.js";
import { field, input } from "../form.js";
import { Conflict } from "../one-ticket.js";
import { nameOf, people } from "../people.js";
import { toMs } from "../time.js";
import { choose, PRIORITIES, refillOptions, said, staffOptions, STATUSES, teamOptions } from "./words.js";

const NAMES = { status: "status", priority: "priority", assignee_id: "agent", team_id: "team", type: "type", due_at: "due time", subject: "subject", requester_id: "requester" };

/** A field's value in words. */
function words(name, value) {
  if (value === null || value === undefined || value === "") return "empty";
  if (name === "assignee_id" || name === "requester_id") return nameOf(value);
  if (name === "team_id") return directory.teamName(value);
  if (name === "due_at") return new Date(value).toLocaleString();
  return name === "subject" || name === "type" ? value : said(value);
}

/** Tells of a conflict without throwing anything away, and offers to go through with the change. */
export function conflictNote(error, fields, anyway) {
  const lines = error.fields.map((name) => h("p", {}, `Somebody changed the ${NAMES[name] ?? name} meanwhile. It is now `, h("b", {}, h("bdi", {}, words(name, error.theirs[name]))), "."));
  const wanted = error.fields.map((name) => words(name, fields[name])).join(", ");
  return note("warn", lines, h("button", { type: "button", class: "button button-s", onclick: anyway }, h("span", {}, "Set it to ", h("bdi", {}, wanted), " anyway")));
}

/** `2026-11-22T14:30`, local, as the browser's field wants it. */
function localTime(value) {
  const ms = toMs(value);
  if (!Number.isFinite(ms)) return "";
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The card with the facts; `node` goes onto the page. */
export class Facts {
  constructor(one, signal) {
    this.one = one;
    this.trouble = h("div", { "aria-live": "polite" });
    const { ticket } = one;
    const select = (name, options) => choose(options, ticket[name] ?? "", { onchange: (e) => this.set({ [name]: e.target.value || null }) });
    this.status = select("status", Object.keys(STATUSES).map((name) => [name, said(name)]));
    this.priority = select("priority", Object.keys(PRIORITIES).map((name) => [name, said(name)]));
    this.assignee = select("assignee_id", [["", "Nobody"]]);
    this.team = select("team_id", [["", "None"]]);
    this.type = input({ maxlength: "64", placeholder: "None", value: ticket.type ?? "", autocomplete: "off" });
    this.due = input({ type: "datetime-local", value: localTime(ticket.due_at) });
    this.tags = h("ul", { class: "tags", "aria-label": "Tags" });
    this.tag = input({ maxlength: "64", placeholder: "Add a tag", autocomplete: "off" });
    this.take = h("button", { type: "button", class: "button button-s", onclick: () => this.set({ assignee_id: one.user.id }) }, "Take it");
    this.#listen(signal);
    this.node = h("section", { class: "card card-pad facts-card", "aria-label": "Facts" }, this.trouble,
      h("div", { class: "facts-pair" }, field("status", "Status", this.status), field("priority", "Priority", this.priority)),
      field("assignee_id", "Agent", this.assignee), this.take, field("team_id", "Team", this.team),
      h("div", { class: "field" }, h("span", { class: "label" }, "Tags"), this.tags, this.#tagForm()),
      field("type", "Type", this.type), field("due_at", "Due", this.due));
    this.draw();
  }

  #listen(signal) {
    const late = { signal };
    this.one.addEventListener("changed", () => this.draw(), late);
    directory.addEventListener("changed", () => this.draw(), late);
    people.addEventListener("learned", () => this.draw(), late);
    this.type.addEventListener("change", () => this.set({ type: this.type.value.trim() || null }));
    this.due.addEventListener("blur", () => {
      if (this.due.value === localTime(this.one.ticket.due_at)) return;
      this.set({ due_at: this.due.value ? new Date(this.due.value).toISOString() : null });
    });
  }

  #tagForm() {
    const form = h("form", { class: "tag-form" }, h("label", { class: "visually-hidden", for: "new-tag" }, "Add a tag"), this.tag,
      h("button", { type: "submit", class: "button button-s" }, "Add"));
    this.tag.id = "new-tag";
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const add = this.tag.value.split(",").map((tag) => tag.trim()).filter(Boolean);
      if (add.length && (await this.set({ add_tags: add }))) this.tag.value = "";
    });
    return form;
  }

  /** Changes fields; says whether that worked, and what stood in the way. */
  async set(fields, options) {
    this.node.setAttribute("aria-busy", "true");
    try {
      await this.one.change(fields, options);
      fill(this.trouble);
      toast("Saved");
      return true;
    } catch (error) {
      if (error instanceof Conflict) fill(this.trouble, conflictNote(error, fields, () => this.set(fields, { anyway: true })));
      else if (!this.one.signal.aborted) fill(this.trouble, note("bad", sentence(error), ...Object.values(error.fields ?? {})));
      this.draw();
      return false;
    } finally {
      this.node.removeAttribute("aria-busy");
    }
  }

  draw() {
    const { ticket, isClosed, isGone, user } = this.one;
    const over = isGone || Boolean(ticket.merged_into_id);
    this.status.value = ticket.status;
    this.priority.value = ticket.priority;
    refillOptions(this.assignee, [["", "Nobody"], ...this.#staff(ticket)], ticket.assignee_id ?? "");
    refillOptions(this.team, [["", "None"], ...teamOptions()], ticket.team_id ?? "");
    if (document.activeElement !== this.type) this.type.value = ticket.type ?? "";
    if (document.activeElement !== this.due) this.due.value = localTime(ticket.due_at);
    for (const control of [this.priority, this.assignee, this.team, this.type, this.due, this.tag]) control.disabled = over;
    this.status.disabled = over || isClosed;
    this.take.hidden = over || ticket.assignee_id === user.id;
    fill(this.tags, ticket.tags.map((tag) => h("li", { class: "tag" }, h("bdi", {}, tag), !over && h("button", {
      type: "button", "aria-label": `Remove the tag ${tag}`, onclick: () => this.set({ remove_tags: [tag] }),
    }, icon("close", 12)))));
    this.tags.hidden = ticket.tags.length === 0;
  }

  /** Who left is no choice any more, but still has a name. */
  #staff({ assignee_id: id }) {
    const options = staffOptions(this.one.user);
    return !id || options.some(([known]) => known === id) ? options : [...options, [id, nameOf(id)]];
  }
}
