// The teams that tickets are given to, kept true by events; administrators make and change them.

import { sentence } from "../api.js";
import { directory } from "../directory.js";
import { empty, fill, h, icon, note } from "../dom.js";
import { feed } from "../feed.js";
import { Keyed } from "../keyed.js";
import { avatar, nameOf, people } from "../people.js";
import { may } from "../roles.js";
import { ASSIGNMENTS, editTeam } from "./team-form.js";

/** Members whose faces are shown; the rest is a number. */
const FACES = 6;

function faces(team) {
  const shown = team.members.slice(0, FACES);
  const more = team.members.length - shown.length;
  if (!shown.length) return h("span", { class: "quiet" }, "nobody yet");
  return h("ul", { class: "faces" }, shown.map((id) => h("li", { title: nameOf(id) }, avatar(nameOf(id)), h("span", { class: "visually-hidden" }, nameOf(id)))),
    more > 0 && h("li", { class: "small quiet", title: team.members.slice(FACES).map(nameOf).join(", ") }, `+${more}`));
}

function mount(root, { user, signal }) {
  const admin = may(user, "admin");
  const add = () => editTeam({});
  const addButton = () => admin && h("button", { type: "button", class: "button button-main", onclick: add }, icon("plus", 16), "New team");
  const trouble = h("div");
  const card = h("div", { class: "card" }, empty("One moment", "Reading the list…"));
  const body = h("tbody");
  const table = h("table", { class: "table" }, h("caption", { class: "visually-hidden" }, "Teams"),
    h("thead", {}, h("tr", {}, ["Team", "Members", "Led by", "Tickets go to"].map((name) => h("th", { scope: "col" }, name)))), body);
  const row = (team) => {
    const tickets = `/admin/tickets?team=${encodeURIComponent(team.id)}`;
    const name = h("bdi", {}, team.name);
    return h("tr", {},
      h("td", {}, admin ? h("button", { type: "button", class: "name-button", onclick: () => editTeam({ team }) }, name) : h("span", { class: "name-button" }, name),
        h("a", { class: "small by-author", href: tickets }, "Its tickets")),
      h("td", {}, faces(team)),
      h("td", { "data-name": "Led by" }, team.lead_id ? h("bdi", {}, nameOf(team.lead_id)) : ""),
      h("td", { "data-name": "Tickets go to" }, ASSIGNMENTS[team.assignment] ?? team.assignment));
  };
  const named = (team) => [team.lead_id, ...team.members].map(nameOf).join();
  const rows = new Keyed(body, row, { mark: (team) => [team.version, named(team)].join() });
  let read = false;
  const draw = () => {
    if (!read) return;
    directory.look(directory.teams.flatMap(({ members, lead_id: lead }) => [lead, ...members.slice(0, FACES)]));
    rows.draw(directory.teams);
    if (!directory.teams.length) fill(card, empty("No teams yet", "A team is whom a ticket is given to before somebody takes it.", addButton()));
    else if (!table.isConnected) fill(card, table);
  };
  const load = async () => {
    try {
      await directory.load();
      if (signal.aborted) return;
      read = true;
      fill(trouble);
      draw();
    } catch (error) {
      if (!signal.aborted) fill(trouble, note("bad", sentence(error)));
    }
  };
  root.append(h("header", { class: "page-head" }, h("div", {}, h("h1", {}, "Teams"), h("p", {}, "Groups that tickets are given to.")), addButton()), trouble, card);
  directory.addEventListener("changed", draw, { signal });
  people.addEventListener("learned", draw, { signal });
  feed.addEventListener("resync", () => {
    directory.forget();
    load();
  }, { signal });
  load();
}

export default { title: "Teams", mount };
