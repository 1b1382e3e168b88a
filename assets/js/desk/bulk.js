// Changes many tickets at once: what is chosen, what is to become of it, and what became of it.

import { api } from "../api.js";
import { ask, openDialog, refill } from "../dialog.js";
import { fill, h, icon, toast } from "../dom.js";
import { field, input, onSubmit, showMessage } from "../form.js";
import { choose, PRIORITIES, said, staffOptions, STATUSES, teamOptions } from "./words.js";

const KEEP = "\u0000keep";
const many = (count) => (count === 1 ? "1 ticket" : `${count} tickets`);

/** The bar that appears when tickets are selected; `clear()` selects none, `number(id)` names one. */
export class BulkBar {
  constructor(user, { clear, number }) {
    this.user = user;
    this.clear = clear;
    this.number = number;
    this.ids = [];
    this.words = h("b");
    this.node = h("div", { class: "bulk card", role: "group", "aria-label": "Selected tickets", hidden: true }, this.words,
      h("button", { type: "button", class: "button button-main button-s", onclick: () => this.#change() }, icon("pen", 15), "Change"),
      h("button", { type: "button", class: "button button-bad button-s", onclick: () => this.#delete() }, icon("bin", 15), "Delete"),
      h("button", { type: "button", class: "button button-plain button-s push", onclick: clear }, "Select none"));
  }

  /** Shows how many are selected. */
  set(ids) {
    this.ids = ids;
    this.node.hidden = ids.length === 0;
    this.words.textContent = `${many(ids.length)} selected`;
  }

  #change() {
    const { ids, user } = this;
    const keep = [[KEEP, "Leave as it is"]];
    const fields = {
      status: choose([...keep, ...Object.keys(STATUSES).map((name) => [name, said(name)])], KEEP, { autofocus: true }),
      priority: choose([...keep, ...Object.keys(PRIORITIES).map((name) => [name, said(name)])], KEEP),
      assignee_id: choose([...keep, ["", "Nobody"], ...staffOptions(user)], KEEP),
      team_id: choose([...keep, ["", "None"], ...teamOptions()], KEEP),
    };
    const add = input({ placeholder: "With commas between them", autocomplete: "off" });
    const remove = input({ placeholder: "With commas between them", autocomplete: "off" });
    const form = h("form");
    const node = openDialog({
      title: `Change ${many(ids.length)}`,
      wrap: (parts) => fill(form, parts),
      body: [h("div", { "data-message": true }),
        h("div", { class: "pair" }, field("status", "Status", fields.status), field("priority", "Priority", fields.priority)),
        h("div", { class: "pair" }, field("assignee_id", "Agent", fields.assignee_id), field("team_id", "Team", fields.team_id)),
        h("div", { class: "pair" }, field("add_tags", "Add tags", add), field("remove_tags", "Remove tags", remove))],
      foot: [h("button", { type: "button", class: "button", onclick: () => node.close() }, "Cancel"), h("button", { type: "submit", class: "button button-main" }, "Change")],
    });
    onSubmit(form, async () => {
      const changes = Object.fromEntries(Object.entries(fields).filter(([, { value }]) => value !== KEEP).map(([name, { value }]) => [name, value || null]));
      for (const [name, control] of [["add_tags", add], ["remove_tags", remove]]) {
        const tags = control.value.split(",").map((tag) => tag.trim()).filter(Boolean);
        if (tags.length) changes[name] = tags;
      }
      if (!Object.keys(changes).length) return showMessage(form, "bad", "Nothing is to be changed yet.");
      const { data } = await api.post("/tickets/bulk", { ids, changes });
      return this.#done(node, data, "changed");
    });
  }

  async #delete() {
    const { ids } = this;
    if (!(await ask({ title: `Delete ${many(ids.length)}?`, words: "They leave every list. Supervisors can restore them.", yes: "Delete" }))) return;
    const form = h("form");
    const node = openDialog({ title: "Deleting", wrap: (parts) => fill(form, parts), body: h("div", { "data-message": true }), foot: [h("button", { type: "submit", class: "button button-main" }, "Try again")] });
    onSubmit(form, async () => this.#done(node, (await api.post("/tickets/bulk", { ids, delete: true })).data, "deleted"));
    form.requestSubmit();
  }

  /** Says what became of it. Events change the list; what failed stays selected. */
  #done(node, { changed, unchanged, failed }, deed) {
    const words = `${many(changed.length)} ${deed}${unchanged.length ? `, ${unchanged.length} already so` : ""}`;
    this.clear(failed.map(({ id }) => id));
    if (!failed.length) {
      node.close();
      return toast(words);
    }
    const lines = failed.map(({ id, message }) => h("li", {}, `#${this.number(id)}: ${message}`));
    return refill(node, "Not all of them", [h("p", {}, `${words}. ${many(failed.length)} could not be:`), h("ul", { class: "stack-s" }, lines)],
      [h("button", { type: "button", class: "button button-main", onclick: () => node.close() }, "All right")]);
  }
}
