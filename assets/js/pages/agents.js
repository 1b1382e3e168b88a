// The agents' board: who is in which state and for how long, and a way to choose one's own.

import { api, sentence } from "../api.js";
import { empty, fill, h, note, toast } from "../dom.js";
import { Floor } from "../floor.js";
import { avatar } from "../people.js";
import { linePill } from "../shell.js";
import { since } from "../time.js";
import { capital, stateWords, tone } from "../words.js";

const ORDER = ["available", "on_call", "wrap_up", "busy", "away", "offline"];
const CHOOSABLE = ["available", "busy", "away", "offline"];

const place = (state) => (ORDER.indexOf(state) + ORDER.length + 1) % (ORDER.length + 1);

function card(agent, name, me, fresh) {
  const next = agent.next_state ? `then ${stateWords(agent.next_state)}` : "";
  const reason = typeof agent.reason === "string" && agent.reason ? agent.reason.replaceAll("_", " ") : "";
  return h("li", { class: `agent card tone-${tone(agent.state)}${fresh ? " fresh" : ""}` },
    h("div", { class: "person" }, avatar(name), h("span", {}, h("b", {}, name, me ? " (you)" : ""), h("small", {}, [reason, next].filter(Boolean).join(" · ") || agent.role || " "))),
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
  constructor(root, { user, signal }) {
    this.user = user;
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
    this.floor = new Floor(signal);
    this.floor.addEventListener("changed", () => this.#draw(), { signal });
    this.floor.addEventListener("trouble", ({ detail }) => fill(this.trouble, detail && note("bad", sentence(detail))), { signal });
  }

  #draw() {
    const { floor } = this;
    const agents = floor.sorted((a, b) => place(a.state) - place(b.state));
    fill(this.list, agents.length
      ? agents.map((agent) => card(agent, floor.name(agent), agent.user_id === this.user.id, floor.fresh.has(agent.user_id)))
      : h("li", { class: "card" }, empty("No agents yet", "Agents appear once they have chosen a state.")));
    floor.fresh.clear();
    const states = [...new Set(agents.map((agent) => agent.state))];
    fill(this.counts, states.map((state) => h("span", { class: `badge tone-${tone(state)}` },
      `${agents.filter((agent) => agent.state === state).length} ${stateWords(state)}`)));
    this.#mine();
  }

  #mine() {
    const mine = this.floor.agents.get(this.user.id);
    for (const [state, input] of this.own.inputs) input.checked = (mine?.next_state ?? mine?.state) === state;
    const working = mine && !CHOOSABLE.includes(mine.state);
    this.says.textContent = working ? `You are ${stateWords(mine.state)}${mine.next_state ? `; ${stateWords(mine.next_state)} comes after` : ""}.` : "";
    this.says.hidden = !working;
  }

  async #choose(state) {
    try {
      const { data } = await api.post("/agent-state/me", { state });
      this.floor.put({ user_id: this.user.id, name: this.user.name, ...data });
      const { state: now, next_state: next } = data ?? { state };
      toast(next && next !== now ? `You are ${stateWords(now)}; ${stateWords(next)} comes after` : `You are ${stateWords(now)}`);
      fill(this.trouble);
    } catch (error) {
      fill(this.trouble, note("bad", sentence(error)));
      this.#draw();
    }
  }
}

export default {
  title: "Agents",
  mount: (root, ctx) => void new AgentsView(root, ctx),
};
