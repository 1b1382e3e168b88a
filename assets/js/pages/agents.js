// The agents' board: who is in which state and for how long, a way to choose one's own, and for
// supervisors the others'.

import { api, sentence } from "../api.js";
import { CallNames } from "../calls/names.js";
import { empty, fill, h, icon, note, toast } from "../dom.js";
import { Floor } from "../floor.js";
import { avatar } from "../people.js";
import { may } from "../roles.js";
import { linePill } from "../shell.js";
import { since } from "../time.js";
import { capital, stateWords, tone } from "../words.js";
import { changeAgent, CHOOSABLE, openRules, reasonOptions } from "./agent-dialogs.js";

const ORDER = ["available", "on_call", "wrap_up", "busy", "away", "offline"];

const place = (state) => (ORDER.indexOf(state) + ORDER.length + 1) % (ORDER.length + 1);

const inWords = (reason) => (typeof reason === "string" ? reason.replaceAll("_", " ") : "");

function next(agent) {
  if (!agent.next_state) return "";
  const why = inWords(agent.next_reason);
  return `then ${stateWords(agent.next_state)}${why ? ` (${why})` : ""}`;
}

function card(agent, name, { me, fresh, change, call }) {
  const notes = [inWords(agent.reason), next(agent)].filter(Boolean).join(" · ");
  return h("li", { class: `agent card tone-${tone(agent.state)}${fresh ? " fresh" : ""}` },
    h("div", { class: "person" }, avatar(name), h("span", {}, h("b", {}, name, me ? " (you)" : ""), h("small", {}, notes || agent.role || " "))),
    h("div", { class: "row" },
      h("span", {}, h("span", { class: `badge tone-${tone(agent.state)}` }, capital(stateWords(agent.state))),
        agent.overdue && h("span", { class: "badge tone-bad agent-late" }, "Too long")),
      since(agent.since, "for ")),
    agent.call_id && h("a", { class: "agent-call small", href: `/admin/calls/${agent.call_id}` }, icon("phone", 14), h("span", {}, agent.state === "wrap_up" ? "after " : "with ", h("bdi", {}, call))),
    change && h("button", { type: "button", class: "button button-s agent-change", "aria-label": `Change the state of ${name}`, onclick: change }, "Change"));
}

/** Radio buttons for one's own state, and a reason for it; `choose(state, reason)` is called with what was picked. */
class Chooser {
  constructor(choose) {
    this.inputs = new Map();
    this.reason = h("select", { class: "input", "aria-label": "Your reason", onchange: () => choose(this.picked, this.reason.value) });
    const group = h("div", { class: "choices" }, CHOOSABLE.map((state) => {
      const input = h("input", { type: "radio", name: "state", value: state, onchange: () => choose(state, "") });
      this.inputs.set(state, input);
      return h("label", { class: `choice tone-${tone(state)}` }, input, h("span", {}, capital(stateWords(state))));
    }));
    this.box = h("fieldset", { class: "own-state" }, h("legend", { class: "label choices-name" }, "Your state"), h("div", { class: "row" }, group, this.reason));
  }

  show(state, reason, reasons) {
    this.picked = state;
    for (const [each, input] of this.inputs) input.checked = each === state;
    const options = reasonOptions(reasons, state, reason);
    fill(this.reason, options);
    this.reason.value = reason ?? "";
    this.reason.hidden = options.length < 2;
  }
}

class AgentsView {
  constructor(root, { user, signal }) {
    this.user = user;
    this.signal = signal;
    this.reasons = [];
    this.trouble = h("div");
    this.says = h("p", { class: "small quiet", role: "status" });
    this.own = new Chooser((state, reason) => this.#choose(state, reason));
    this.counts = h("div", { class: "counts" });
    this.list = h("ul", { class: "board", "aria-label": "Agents" });
    this.supervises = may(user, "supervisor");
    const rules = this.supervises && h("button", { type: "button", class: "button", onclick: () => openRules(this.reasons, () => this.#learn()) }, "Reasons and wrap-up");
    root.append(
      h("header", { class: "page-head" }, h("div", {}, h("h1", {}, "Agents"), h("p", {}, "Who can take the next one.")), h("div", { class: "row" }, rules, linePill(signal))),
      this.trouble,
      h("div", { class: "stack" }, this.own.box, this.says),
      this.counts, this.list);
    this.calls = new CallNames(signal);
    this.calls.addEventListener("learned", () => this.#draw(), { signal });
    this.floor = new Floor(signal);
    this.floor.addEventListener("changed", () => this.#draw(), { signal });
    this.floor.addEventListener("trouble", ({ detail }) => fill(this.trouble, detail && note("bad", sentence(detail))), { signal });
    this.#learn();
  }

  /** Reads the reasons there are. */
  async #learn() {
    try {
      this.reasons = (await api.get("/agent-state/reasons", { signal: this.signal })).data ?? [];
      this.#mine();
    } catch (error) {
      if (!this.signal.aborted) fill(this.trouble, note("bad", sentence(error)));
    }
  }

  #draw() {
    const { floor } = this;
    const agents = floor.sorted((a, b) => place(a.state) - place(b.state));
    const focused = document.activeElement?.closest?.(".agent")?.dataset.user;
    fill(this.list, agents.length
      ? agents.map((agent) => {
        const name = floor.name(agent);
        const change = this.supervises && (() => changeAgent(agent, name, this.reasons, (now) => floor.put(now)));
        const call = agent.call_id && (this.calls.label(agent.call_id) ?? "somebody");
        const node = card(agent, name, { call, me: agent.user_id === this.user.id, fresh: floor.fresh.has(agent.user_id), change });
        node.dataset.user = agent.user_id;
        return node;
      })
      : h("li", { class: "card" }, empty("No agents yet", "Agents appear once they have chosen a state.")));
    if (focused) this.list.querySelector(`[data-user="${CSS.escape(focused)}"] :is(button, a)`)?.focus();
    floor.fresh.clear();
    const states = [...new Set(agents.map((agent) => agent.state))];
    fill(this.counts, states.map((state) => h("span", { class: `badge tone-${tone(state)}` },
      `${agents.filter((agent) => agent.state === state).length} ${stateWords(state)}`)));
    this.#mine();
  }

  #mine() {
    const mine = this.floor.agents.get(this.user.id);
    const working = mine && !CHOOSABLE.includes(mine.state);
    // In a call nothing chosen means available.
    const chosen = working ? mine.next_state ?? "available" : mine?.state;
    if (chosen) this.own.show(chosen, working ? mine.next_reason : mine.reason, this.reasons);
    this.own.reason.hidden ||= !mine;
    fill(this.says, working && [`You are ${stateWords(mine.state)}; ${stateWords(chosen)} comes after, `, since(mine.since, "for "), " so far."]);
    this.says.hidden = !working;
  }

  async #choose(state, reason) {
    try {
      const { data } = await api.post("/agent-state/me", { state, reason: reason || null });
      this.floor.put({ user_id: this.user.id, name: this.user.name, ...data });
      const { state: now, next_state: after } = data ?? { state };
      toast(after && after !== now ? `You are ${stateWords(now)}; ${stateWords(after)} comes after` : `You are ${stateWords(now)}`);
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
