// What supervisors change about agents, in dialogs: one agent's state and time after a call, and the
// rules for all.

import { api, newKey } from "../api.js";
import { ask, openDialog } from "../dialog.js";
import { fill, h, icon, toast } from "../dom.js";
import { field, input, onSubmit, showError } from "../form.js";
import { capital, stateWords } from "../words.js";

/** The states that can be chosen; the others come with calls. */
export const CHOOSABLE = ["available", "busy", "away", "offline"];

/** Options for the reasons of a state; one in somebody's own words stands among them. */
export function reasonOptions(reasons, state, own) {
  const fit = reasons.filter((reason) => reason.state === state);
  const known = fit.some(({ name }) => name === own);
  return [
    h("option", { value: "" }, "No reason"),
    ...fit.map(({ name, limit_minutes: limit }) => h("option", { value: name }, limit ? `${name} (${limit} min)` : name)),
    ...(own && !known ? [h("option", { value: own }, own)] : []),
  ];
}

const stateOptions = (states, picked) => states.map((state) => h("option", { value: state, selected: state === picked }, capital(stateWords(state))));

const seconds = (control) => (control.value.trim() === "" ? null : Number(control.value));

/** A dialog over one agent; `changed` gets what the server answers. */
export function changeAgent(agent, name, reasons, changed) {
  const working = !CHOOSABLE.includes(agent.state);
  const before = { state: working ? agent.next_state ?? "available" : agent.state, reason: (working ? agent.next_reason : agent.reason) ?? "" };
  const state = h("select", { class: "input", autofocus: true }, stateOptions(CHOOSABLE, before.state));
  const reason = input({ value: before.reason, autocomplete: "off", maxlength: "100", dir: "auto", list: "agent-reasons" });
  const known = h("datalist", { id: "agent-reasons" });
  const offer = () => fill(known, reasons.filter((each) => each.state === state.value).map((each) => h("option", { value: each.name })));
  state.addEventListener("change", () => {
    reason.value = "";
    offer();
  });
  offer();
  const wrapUp = input({ type: "number", min: "0", max: "3600", value: agent.wrap_up_seconds ?? "" });
  const form = h("form");
  const node = openDialog({
    title: name,
    wrap: (parts) => fill(form, parts),
    body: [h("div", { "data-message": true }),
      h("div", { class: "pair" },
        field("state", working ? "State after the call" : "State", state),
        field("reason", "Reason", reason)), known,
      field("wrap_up_seconds", "Seconds after a call", wrapUp, "0 for none; empty for what all have")],
    foot: [h("button", { type: "button", class: "button", onclick: () => node.close() }, "Cancel"),
      h("button", { type: "submit", class: "button button-main" }, "Save")],
  });
  onSubmit(form, async () => {
    const path = `/agent-state/${encodeURIComponent(agent.user_id)}`;
    try {
      const wish = { state: state.value, reason: reason.value.trim() || null };
      if (wish.state !== before.state || (wish.reason ?? "") !== before.reason) changed((await api.put(path, wish)).data);
      if (seconds(wrapUp) !== agent.wrap_up_seconds) changed((await api.patch(`${path}/settings`, { wrap_up_seconds: seconds(wrapUp) })).data);
      node.close();
      toast("Saved");
    } catch (error) {
      showError(form, error);
    }
  });
}

function reasonRow(reason, remove) {
  const limit = reason.limit_minutes ? `at most ${reason.limit_minutes} min` : "no limit";
  return h("li", {}, h("span", {}, h("b", { dir: "auto" }, reason.name), h("small", {}, ` ${stateWords(reason.state)}, ${limit}`)),
    h("button", { type: "button", class: "button button-s button-plain button-icon push", "aria-label": `Delete ${reason.name}`, title: "Delete", onclick: remove }, icon("close", 14)));
}

/** A dialog over the reasons and the time after a call of all; `changed` is called when they were. */
export async function openRules(reasons, changed) {
  let all = [...reasons];
  const list = h("ul", { class: "followers reasons", "aria-label": "Reasons" });
  const name = input({ autocomplete: "off", maxlength: "100", dir: "auto", autofocus: true });
  const state = h("select", { class: "input" }, stateOptions(["away", "busy", "offline"], "away"));
  const limit = input({ type: "number", min: "1", max: "1440" });
  const wrapUp = input({ type: "number", min: "0", max: "3600" });
  const form = h("form");
  const rules = h("form", { class: "stack" }, h("div", { "data-message": true }),
    field("wrap_up_seconds", "Seconds after a call", wrapUp, "0 for none; an agent may have another time"),
    h("button", { type: "submit", class: "button" }, "Save the time"));
  const node = openDialog({
    title: "Reasons and wrap-up",
    body: [list, form, rules],
    foot: [h("button", { type: "button", class: "button button-main", onclick: () => node.close() }, "Done")],
  });
  fill(form, h("div", { "data-message": true }), field("name", "New reason", name),
    h("div", { class: "pair" }, field("state", "For being", state), field("limit_minutes", "Minutes at most", limit, "Empty for no limit")),
    h("button", { type: "submit", class: "button" }, "Add the reason"));
  const draw = () => {
    list.hidden = all.length === 0;
    fill(list, all.map((reason) => reasonRow(reason, async () => {
      if (!await ask({ title: `Delete ${reason.name}?`, words: "Whoever chose it stays where they are.", yes: "Delete" })) return;
      try {
        await api.delete(`/agent-state/reasons/${encodeURIComponent(reason.id)}`);
        all = all.filter((each) => each !== reason);
        draw();
        changed();
      } catch (error) {
        showError(form, error);
      }
    })));
  };
  draw();
  let once = { body: "", key: "" };
  onSubmit(form, async () => {
    const wish = { name: name.value, state: state.value, limit_minutes: seconds(limit) };
    const body = JSON.stringify(wish);
    if (once.body !== body) once = { body, key: newKey() };
    try {
      const { data } = await api.post("/agent-state/reasons", wish, { key: once.key });
      all = [...all.filter(({ id }) => id !== data.id), data].sort((a, b) => a.name.localeCompare(b.name));
      draw();
      form.reset();
      name.focus();
      changed();
    } catch (error) {
      showError(form, error);
    }
  });
  onSubmit(rules, async () => {
    try {
      const { data } = await api.patch("/agent-state/settings", { wrap_up_seconds: seconds(wrapUp) });
      wrapUp.value = data.wrap_up_seconds;
      toast("The time after a call is saved");
    } catch (error) {
      showError(rules, error);
    }
  });
  try {
    wrapUp.value = (await api.get("/agent-state/settings")).data.wrap_up_seconds;
  } catch (error) {
    showError(rules, error);
  }
}
