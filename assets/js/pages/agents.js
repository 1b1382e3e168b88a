// The agents' board: who is in which state and for how long, and a way to choose one's own.

import { api, sentence } from "../api.js";
import { empty, fill, h, note, toast } from "../dom.js";
import { feed } from "../feed.js";
import { avatar, learn, nameOf } from "../people.js";
import { linePill } from "../shell.js";
import { every, since } from "../time.js";
import { STATES, stateWords } from "../words.js";

/** The feed patches the board; this only repairs what it may have missed. */
const REFRESH_MS = 30_000;
const ORDER = ["available", "on_call", "wrap_up", "busy", "away", "offline"];
const CHOOSABLE = ["available", "busy", "away", "offline"];

const tone = (state) => STATES[state]?.tone ?? "quiet";
const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);
const place = (state) => (ORDER.indexOf(state) + ORDER.length + 1) % (ORDER.length + 1);

function card(agent, me, fresh) {
  const name = agent.name ?? nameOf(agent.user_id);
  const next = agent.next_state ? `then ${stateWords(agent.next_state)}` : "";
  const reason = typeof agent.reason === "string" && agent.reason ? agent.reason.replaceAll("_", " ") : "";
  return h("li", { class: `agent card tone-${tone(agent.state)}${fresh ? " fresh" : ""}` },
    h("div", { class: "person" }, avatar(name), h("span", {}, h("b", {}, name, agent.user_id === me ? " (you)" : ""), h("small", {}, [reason, next].filter(Boolean).join(" · ") || agent.role || " "))),
    h("div", { class: "row" }, h("span", { class: `badge tone-${tone(agent.state)}` }, capital(stateWords(agent.state))), since(agent.since, "for ")));
}

/** Radio buttons for one's own state; `choose(state)` is called with what was picked. */
function chooser(choose) {
  const inputs = new Map();
  const box = h("fieldset", {}, h("legend", { class: "label choices-name" }, "Your state"));
  const group = h("div", { class: "choices" }, CHOOSABLE.map((state) => {
    const input = h("input", { type: "radio", name: "state", value: state, onchange: () => choose(state) });
    inputs.set(state, input);
    return h("label", { class: `choice tone-${tone(state)}` }, input, h("span", {}, capital(stateWords(state))));
  }));
  box.append(group);
  return { box, inputs };
}

class AgentsView {
  #agents = new Map();
  #fresh = new Set();

  constructor(root, { user, signal }) {
    this.user = user;
    this.signal = signal;
    this.trouble = h("div");
    this.says = h("p", { class: "small quiet", role: "status" });
    this.own = chooser((state) => this.#choose(state));
    this.counts = h("div", { class: "counts" });
    this.list = h("ul", { class: "board", "aria-label": "Agents" });
    root.append(
      h("header", { class: "page-head" }, h("div", {}, h("h1", {}, "Agents"), h("p", {}, "Who can take the next one.")), linePill(signal)),
      this.trouble,
      h("div", { class: "stack" }, this.own.box, this.says),
      this.counts, this.list);
    feed.addEventListener("added", ({ detail }) => this.#hear(detail), { signal });
    feed.addEventListener("resync", () => this.#load(), { signal });
    every(REFRESH_MS, () => this.#load(), signal);
  }

  async #load() {
    try {
      const { data } = await api.get("/agent-state", { signal: this.signal });
      this.#agents = new Map((data ?? []).map((agent) => [agent.user_id, agent]));
      for (const agent of this.#agents.values()) learn(agent.user_id, agent.name);
      fill(this.trouble);
      this.#draw();
    } catch (error) {
      if (!this.signal.aborted) fill(this.trouble, note("bad", sentence(error)));
    }
  }

  /** Newest first, so the oldest is applied first. */
  #hear(events) {
    let changed = false;
    for (const { type, data, at } of [...events].reverse()) {
      if (type !== "agent.state.changed") continue;
      const before = this.#agents.get(data.user_id) ?? { user_id: data.user_id };
      this.#agents.set(data.user_id, { ...before, state: data.state, reason: data.reason ?? null, next_state: data.next_state ?? null, since: data.since ?? at });
      this.#fresh.add(data.user_id);
      changed = true;
    }
    if (changed) this.#draw();
  }

  #draw() {
    const agents = [...this.#agents.values()].sort((a, b) => place(a.state) - place(b.state)
      || String(a.name ?? nameOf(a.user_id)).localeCompare(String(b.name ?? nameOf(b.user_id))));
    fill(this.list, agents.length
      ? agents.map((agent) => card(agent, this.user.id, this.#fresh.has(agent.user_id)))
      : h("li", { class: "card" }, empty("No agents yet", "Agents appear once they have chosen a state.")));
    this.#fresh.clear();
    const states = [...new Set(agents.map((agent) => agent.state))];
    fill(this.counts, states.map((state) => h("span", { class: `badge tone-${tone(state)}` },
      `${agents.filter((agent) => agent.state === state).length} ${stateWords(state)}`)));
    this.#mine();
  }

  #mine() {
    const mine = this.#agents.get(this.user.id);
    for (const [state, input] of this.own.inputs) input.checked = (mine?.next_state ?? mine?.state) === state;
    const working = mine && !CHOOSABLE.includes(mine.state);
    this.says.textContent = working ? `You are ${stateWords(mine.state)}${mine.next_state ? `; ${stateWords(mine.next_state)} comes after` : ""}.` : "";
    this.says.hidden = !working;
  }

  async #choose(state) {
    try {
      const { data } = await api.post("/agent-state/me", { state });
      const before = this.#agents.get(this.user.id) ?? { user_id: this.user.id, name: this.user.name };
      this.#agents.set(this.user.id, { ...before, ...data });
      const { state: now, next_state: next } = data ?? { state };
      toast(next && next !== now ? `You are ${stateWords(now)}; ${stateWords(next)} comes after` : `You are ${stateWords(now)}`);
      fill(this.trouble);
    } catch (error) {
      fill(this.trouble, note("bad", sentence(error)));
    }
    this.#draw();
  }
}

export default {
  title: "Agents",
  mount: (root, ctx) => void new AgentsView(root, ctx),
};
