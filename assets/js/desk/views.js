// Views: filters under a name. A few that everybody has, and those that people have saved.

import { api, sentence } from "../api.js";
import { directory } from "../directory.js";
import { ask, openDialog } from "../dialog.js";
import { fill, h, icon, note, toast } from "../dom.js";
import { field, input, onSubmit } from "../form.js";
import { may } from "../pages/index.js";
import { NAMES, sameFilters, USUAL, writeAddress } from "./filters.js";
import { choose, teamOptions } from "./words.js";

const PAGE = 200;

function usual(user) {
  const views = [
    { name: "Unfinished", filters: USUAL }, { name: "Mine", filters: { ...USUAL, assignee: "me" } },
    { name: "Nobody's", filters: { ...USUAL, assignee: "none" } }, { name: "All", filters: {} },
  ];
  if (may(user, "supervisor")) views.push({ name: "Deleted", filters: { deleted: "true" } });
  return views;
}

/** Only what a view keeps, as texts. */
const clean = (filters) => Object.fromEntries(NAMES.filter((name) => filters[name]).map((name) => [name, String(filters[name])]));

/** The row of views; `node` goes onto the page, `set(filters)` marks the one that is shown. */
export class Views {
  #saved = [];

  constructor(user, signal) {
    this.user = user;
    this.signal = signal;
    this.filters = {};
    this.list = h("ul", { class: "views" });
    this.tools = h("div", { class: "row" });
    this.trouble = h("div");
    this.node = h("nav", { class: "stack-s", "aria-label": "Views" }, h("div", { class: "views-row" }, this.list, this.tools), this.trouble);
    this.#load();
  }

  /** Shows which view these filters are. */
  set(filters) {
    this.filters = filters;
    this.#draw();
  }

  async #load() {
    try {
      this.#saved = (await api.get(`/views?per_page=${PAGE}`, { signal: this.signal })).data ?? [];
      fill(this.trouble);
      this.#draw();
    } catch (error) {
      if (!this.signal.aborted) fill(this.trouble, note("bad", sentence(error)));
    }
  }

  #draw() {
    const all = [...usual(this.user), ...this.#saved];
    const here = all.find((view) => sameFilters(view.filters, this.filters));
    fill(this.list, all.map((view) => h("li", {}, h("a", { class: "view", href: writeAddress(clean(view.filters)), "aria-current": view === here ? "true" : null }, h("bdi", {}, view.name)))));
    const own = here?.owner_id === this.user.id && here;
    fill(this.tools,
      !here && h("button", { type: "button", class: "button button-s", onclick: () => this.#save() }, icon("plus", 14), "Save view"),
      own && h("button", { type: "button", class: "button button-s button-plain", onclick: () => this.#save(own) }, icon("pen", 14), "Edit view"),
      own && h("button", { type: "button", class: "button button-s button-plain", onclick: () => this.#delete(own) }, icon("bin", 14), "Delete view"));
  }

  #save(view = null) {
    const name = input({ maxlength: "100", value: view?.name ?? "", autofocus: true });
    const shares = [["me", "Only me"], ["team", "A team"], ...(may(this.user, "supervisor") ? [["all", "Everybody"]] : [])];
    const shared = choose(shares, view?.shared ?? "me", { onchange: () => { teamBox.hidden = shared.value !== "team"; } });
    const team = choose(teamOptions(), view?.team_id ?? directory.teams[0]?.id ?? "");
    const teamBox = field("team_id", "Team", team);
    teamBox.hidden = shared.value !== "team";
    const form = h("form");
    const node = openDialog({
      title: view ? "Edit view" : "Save view",
      wrap: (parts) => fill(form, parts),
      body: [h("div", { "data-message": true }), field("name", "Name", name), field("shared", "Who sees it", shared), teamBox],
      foot: [h("button", { type: "button", class: "button", onclick: () => node.close() }, "Cancel"), h("button", { type: "submit", class: "button button-main" }, "Save")],
    });
    onSubmit(form, async () => {
      const filters = { ...clean(this.filters) };
      if (filters.deleted) filters.deleted = filters.deleted === "true";
      const body = { name: name.value, shared: shared.value, filters, team_id: shared.value === "team" ? team.value : null };
      if (view) await api.patch(`/views/${view.id}`, body);
      else await api.post("/views", body);
      node.close();
      toast("View saved");
      this.#load();
    });
  }

  async #delete(view) {
    if (!(await ask({ title: "Delete this view?", words: `‘${view.name}’ goes away for everybody who sees it. Its tickets stay.`, yes: "Delete view" }))) return;
    try {
      await api.delete(`/views/${view.id}`);
      this.#load();
    } catch (error) {
      fill(this.trouble, note("bad", sentence(error)));
    }
  }
}
