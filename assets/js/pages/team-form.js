// Makes, changes and dissolves a team in a dialog.

import { api, ApiError, newKey } from "../api.js";
import { ask, openDialog } from "../dialog.js";
import { directory } from "../directory.js";
import { fill, h, icon, toast } from "../dom.js";
import { field, fieldError, input, onSubmit, showError } from "../form.js";
import { avatar, nameOf } from "../people.js";
import { personPicker } from "../picker.js";

/** How what comes to a team finds its agent. */
export const ASSIGNMENTS = { manual: "whoever takes them", round_robin: "the members in turn", least_busy: "who has the fewest" };

class TeamDialog {
  constructor(team) {
    this.team = team;
    this.life = new AbortController();
    this.members = [...(team?.members ?? [])];
    this.name = input({ value: team?.name ?? "", autocomplete: "off", maxlength: "100", dir: "auto", autofocus: true });
    this.assignment = h("select", { class: "input" }, Object.entries(ASSIGNMENTS).map(([value, words]) => h("option", { value, selected: value === (team?.assignment ?? "manual") }, words)));
    this.lead = h("select", { class: "input" });
    this.queues = input({ value: (team?.queue_names ?? []).join(", "), autocomplete: "off" });
    this.list = h("ul", { class: "followers" });
    this.picker = personPicker({ label: "Add a member", roles: "agent,supervisor,admin", picked: (user) => this.#add(user.id), signal: this.life.signal });
    this.picker.control.placeholder = "Add somebody";
    const members = h("div", { class: "field", "data-field": "members" }, h("p", { class: "label" }, "Members"), this.list, this.picker.box);
    this.form = h("form");
    this.node = openDialog({
      title: team?.name ?? "New team",
      wrap: (parts) => fill(this.form, parts),
      body: [h("div", { "data-message": true }), field("name", "Name", this.name), members,
        h("div", { class: "pair" }, field("lead_id", "Led by", this.lead), field("assignment", "Tickets go to", this.assignment)),
        field("queue_names", "Telephone queues", this.queues, "Names of queues of your PBX, with commas between them")],
      foot: [team && h("button", { type: "button", class: "button button-bad", onclick: () => this.#remove() }, "Dissolve"),
        h("button", { type: "button", class: "button", onclick: () => this.node.close() }, "Cancel"),
        h("button", { type: "submit", class: "button button-main" }, team ? "Save" : "Make team")],
      onclose: () => this.life.abort(),
    });
    this.once = { body: "", key: "" };
    this.#draw(team?.lead_id ?? "");
    onSubmit(this.form, () => this.#save());
  }

  #draw(lead = this.lead.value) {
    fill(this.list, this.members.map((id) => h("li", {}, avatar(nameOf(id)), h("bdi", {}, nameOf(id)), h("button", {
      type: "button", class: "button button-s button-plain button-icon push", "aria-label": `Take ${nameOf(id)} out`, title: "Take out",
      onclick: () => this.#drop(id),
    }, icon("close", 14)))));
    this.list.hidden = this.members.length === 0;
    const able = [...new Set([...this.members, lead].filter(Boolean))];
    fill(this.lead, h("option", { value: "" }, "Nobody"), able.map((id) => h("option", { value: id, selected: id === lead }, nameOf(id))));
  }

  #add(id) {
    if (!this.members.includes(id)) this.members.push(id);
    this.#draw();
  }

  #drop(id) {
    this.members = this.members.filter((other) => other !== id);
    this.#draw(this.lead.value === id ? "" : this.lead.value);
    this.picker.control.focus();
  }

  async #save() {
    const value = {
      name: this.name.value.trim(), members: this.members, lead_id: this.lead.value || null, assignment: this.assignment.value,
      queue_names: this.queues.value.split(",").map((name) => name.trim()).filter(Boolean),
    };
    if (!value.name) {
      fieldError(this.form, "name", "Give it a name");
      return this.name.focus();
    }
    if (this.picker.control.value.trim()) {
      fieldError(this.form, "members", "Choose one of the suggestions, or leave it empty");
      return this.picker.control.focus();
    }
    const body = JSON.stringify(value);
    if (this.once.body !== body) this.once = { body, key: newKey() };
    const { team } = this;
    const { data } = team
      ? await api.patch(`/teams/${team.id}`, { ...value, version: team.version }).catch(stale)
      : await api.post("/teams", value, { key: this.once.key });
    this.node.close();
    toast(team ? "Saved" : `${data.name} is there`);
    directory.hear({ type: "team.updated", data });
    return undefined;
  }

  async #remove() {
    const { team } = this;
    const sure = await ask({ title: `Dissolve ${team.name}?`, words: "Its tickets stay where they are, and nothing new can be given to it.", yes: "Dissolve" });
    if (!sure) return;
    try {
      const { data } = await api.delete(`/teams/${team.id}`);
      this.node.close();
      toast(`${team.name} is dissolved`);
      directory.hear({ type: "team.deleted", data });
    } catch (error) {
      showError(this.form, error);
    }
  }
}

function stale(error) {
  if (error.code !== "version_conflict") throw error;
  throw new ApiError(409, { message: "Somebody else changed this team meanwhile. Close this, look at it again, and then change it." });
}

/** Opens the form; without `team` for a new one. The directory hears what comes of it. */
export function editTeam({ team = null }) {
  directory.look([team?.lead_id, ...(team?.members ?? [])]);
  return new TeamDialog(team);
}
