// Who is online: people with a connection, and what the hub counts.

import { api, sentence } from "../api.js";
import { empty, fill, h, note } from "../dom.js";
import { feed } from "../feed.js";
import { avatar, learn } from "../people.js";
import { may } from "../roles.js";
import { count, every, since } from "../time.js";

const REFRESH_MS = 10_000;

function tile(name, value, more = "") {
  return h("div", { class: "tile" }, h("dt", {}, name), h("dd", {}, value, more && h("small", {}, ` ${more}`)));
}

/** What the hub counts, in words; `null` for what stands on the page already. */
const COUNTS = {
  users_online: null,
  events_carried: ["Events", "since the server started"],
  events_handed_out: ["Handed out", "to open connections"],
  latest_seq: ["Newest event", "its number"],
};
/** `queued_bytes` → `Queued bytes`. */
const label = (name) => (name.charAt(0).toUpperCase() + name.slice(1)).replaceAll("_", " ");

function numbers(people, stats, user) {
  const mine = stats?.clients_by_tenant?.[user.tenant_id];
  const own = Number.isFinite(mine) ? mine : stats?.total_clients;
  const tiles = [tile("People online", count(people.length)), tile("Connections", count(own))];
  if (stats?.total_tenants > 1) tiles.push(tile("In all organisations", count(stats.total_clients), `in ${count(stats.total_tenants)}`));
  for (const [name, value] of Object.entries(stats?.hub ?? {})) {
    if (typeof value !== "number" || COUNTS[name] === null) continue;
    const [words, more] = COUNTS[name] ?? [label(name), ""];
    tiles.push(tile(words, count(value), more));
  }
  return tiles.slice(0, 8);
}

function row(person, user) {
  const connections = person.connections ?? 1;
  return h("tr", {},
    h("td", {}, h("div", { class: "person" }, avatar(person.name, { online: true }),
      h("span", {}, h("b", {}, person.name ?? person.user_id), person.role && h("small", {}, person.role)))),
    h("td", { "data-name": "Online for" }, since(person.since)),
    h("td", { "data-name": "Last sign of life" }, since(person.last_seen, "", " ago")),
    h("td", { class: "end", "data-name": "Connections" },
      may(user, "admin") ? h("a", { href: `/admin/connections?user=${person.user_id}` }, count(connections)) : count(connections)));
}

function mount(root, { user, signal }) {
  const tiles = h("dl", { class: "tiles card", "aria-label": "Numbers" });
  const body = h("tbody");
  const table = h("table", { class: "table" }, h("caption", { class: "visually-hidden" }, "People who are online"),
    h("thead", {}, h("tr", {}, ["Person", "Online for", "Last sign of life"].map((name) => h("th", { scope: "col" }, name)), h("th", { scope: "col", class: "end" }, "Connections"))), body);
  const card = h("div", { class: "card" }, empty("One moment", "Looking round…"));
  const trouble = h("div");
  root.append(h("header", { class: "page-head" }, h("div", {}, h("h1", {}, "Who is online"), h("p", {}, "People with at least one open connection: a page, an application, a phone."))), trouble, tiles, card);
  tiles.hidden = true;

  const look = async () => {
    try {
      const [online, stats] = await Promise.all([
        api.get("/ws/online", { signal }),
        api.get("/ws/stats", { signal }).catch(() => ({ data: null })),
      ]);
      const people = [...(online.data ?? [])].sort((a, b) => String(a.name).localeCompare(String(b.name)));
      for (const person of people) learn(person.user_id, person.name);
      fill(trouble);
      fill(tiles, numbers(people, stats.data, user));
      tiles.hidden = false;
      if (people.length) {
        fill(body, people.map((person) => row(person, user)));
        if (!table.isConnected) fill(card, table);
      } else {
        fill(card, empty("Nobody is here", "As soon as somebody connects, they appear."));
      }
    } catch (error) {
      if (!signal.aborted) fill(trouble, note("bad", sentence(error)));
    }
  };
  every(REFRESH_MS, look, signal);
  // This very page is a connection too: it counts from the moment its own socket stands.
  feed.socket.addEventListener("state", ({ detail }) => detail.state === "live" && look(), { signal });
}

export default { title: "Who is online", mount };
