// Who works here and in which teams: read once, kept true by the feed. And names, asked for one by one.

import { api, lanes, query } from "./api.js";
import { listen } from "./feed.js";
import { isKnown, learn, people } from "./people.js";

const PAGE = 200;
const PAGES_MAX = 5;

/** What can be done for tickets needs one of these roles. */
const STAFF = ["agent", "supervisor", "admin"];

const asking = lanes(4);
const byName = (a, b) => a.name.localeCompare(b.name);

/** Dispatches `changed`. */
class Directory extends EventTarget {
  /** Active staff, by name. */
  staff = [];
  /** Teams, by name. */
  teams = [];
  #loading = null;
  /** Asked for already, known or not. */
  #asked = new Set();

  /** Reads staff and teams unless that was done. */
  load() {
    this.#loading ??= Promise.all([this.#all("/users", { role: STAFF.join(","), is_active: true }), this.#all("/teams", {})])
      .then(([staff, teams]) => {
        this.staff = staff.sort(byName);
        this.teams = teams.sort(byName);
        for (const user of staff) learn(user.id, user.name);
        this.dispatchEvent(new Event("changed"));
      })
      .catch((error) => {
        this.#loading = null;
        throw error;
      });
    return this.#loading;
  }

  /** A team's name. */
  teamName(id) {
    return this.teams.find((team) => team.id === id)?.name ?? (id ? `Team …${String(id).slice(-6)}` : "");
  }

  /** Asks for the names of those who are not known yet; `people` tells when one is learned. */
  look(ids) {
    for (const id of new Set(ids)) {
      if (!id || isKnown(id) || this.#asked.has(id)) continue;
      this.#asked.add(id);
      asking(() => api.get(`/users/${id}`)).then(({ data }) => learn(data.id, data.name), () => this.#asked.delete(id));
    }
  }

  /** Forgets everything, at sign-out. */
  forget() {
    this.staff = [];
    this.teams = [];
    this.#loading = null;
    this.#asked.clear();
  }

  async #all(path, asked) {
    const rows = [];
    for (let page = 1; page <= PAGES_MAX; page += 1) {
      const { data, meta } = await api.get(path + query({ ...asked, page, per_page: PAGE }));
      rows.push(...(data ?? []));
      if (page >= (meta.total_pages ?? 1)) break;
    }
    return rows;
  }

  /** What an event says of a person or a team. */
  hear({ type, data }) {
    const [family] = type.split(".");
    if (family !== "user" && family !== "team") return;
    const gone = Boolean(data.deleted_at);
    if (family === "user") {
      learn(data.id, data.name);
      this.staff = this.staff.filter(({ id }) => id !== data.id);
      if (!gone && data.is_active && STAFF.includes(data.role)) this.staff = [...this.staff, data].sort(byName);
    } else {
      this.teams = this.teams.filter(({ id }) => id !== data.id);
      if (!gone) this.teams = [...this.teams, data].sort(byName);
    }
    this.dispatchEvent(new Event("changed"));
  }
}

/** The one directory of this page. */
export const directory = new Directory();

people.addEventListener("forgotten", () => directory.forget());
listen((event) => directory.hear(event), new AbortController().signal);
