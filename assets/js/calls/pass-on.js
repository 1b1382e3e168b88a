// The dialog in which a call is passed on: to an agent, a queue, or a number elsewhere.

import { api } from "../api.js";
import { directory } from "../directory.js";
import { openDialog } from "../dialog.js";
import { fill, h, toast } from "../dom.js";
import { field, fieldError, input, onSubmit } from "../form.js";
import { stateWords } from "../words.js";
import { otherSide } from "./words.js";

/** Who can take it at once comes first. */
const ORDER = ["available", "wrap_up", "on_call", "busy", "away", "offline"];

async function agentOptions(call) {
  const { data } = await api.get("/agent-state");
  const has = new Set(call.parts.filter((part) => !part.ended_at).map((part) => part.agent_id));
  return (data ?? []).filter(({ user_id: id }) => !has.has(id))
    .sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.name.localeCompare(b.name))
    .map(({ user_id: id, name, state }) => h("option", { value: id }, `${name} · ${stateWords(state)}`));
}

/** Opens it for `one` call; `closed()` is called at its end. A call that nobody has answered can only go to another queue. */
export function passOn(one, closed) {
  const { call } = one;
  const agent = h("select", { class: "input" }, h("option", { value: "" }, "One moment…"));
  const queue = input({ maxlength: "128", autocomplete: "off", list: "pass-queues", spellcheck: "false" });
  const queues = h("datalist", { id: "pass-queues" }, [...new Set(directory.teams.flatMap((team) => team.queue_names ?? []))].map((name) => h("option", { value: name })));
  const number = input({ type: "tel", maxlength: "128", autocomplete: "off" });
  const kinds = [["agent", "An agent", "to_agent_id", field("to_agent_id", "Agent", agent, "The call is theirs at once.")],
    ["queue", "A queue", "to_queue", field("to_queue", "Queue", queue, "The caller waits there for somebody else.")],
    ["number", "A number", "to_number", field("to_number", "Number", number)]]
    .filter(([kind]) => call.answered_at || kind === "queue");
  const place = h("div", { class: "stack" });
  let [chosen] = kinds;
  const show = (kind) => {
    chosen = kind;
    fill(place, kind[3], kind[0] === "queue" && queues);
  };
  const choices = kinds.map((kind, i) => h("label", { class: "choice plain" },
    h("input", { type: "radio", name: "kind", value: kind[0], checked: i === 0, onchange: () => show(kind) }), h("span", {}, kind[1])));
  show(chosen);
  const form = h("form");
  const node = openDialog({
    title: `Pass on the call with ${otherSide(call)}`,
    wrap: (parts) => fill(form, parts),
    body: [h("div", { "data-message": true }), kinds.length > 1 && h("fieldset", {}, h("legend", { class: "label choices-name" }, "To"), h("div", { class: "choices" }, choices)), place],
    foot: [h("button", { type: "button", class: "button", onclick: () => node.close() }, "Cancel"), h("button", { type: "submit", class: "button button-main" }, "Pass on")],
    onclose: closed,
  });
  onSubmit(form, async () => {
    const [, , name, box] = chosen;
    const control = box.querySelector(".input");
    if (!control.value.trim()) {
      fieldError(form, name, "To whom?");
      return control.focus();
    }
    await one.act("transfer", { [name]: control.value.trim() });
    node.close();
    return toast("The call was passed on");
  });
  directory.load().catch(() => {});
  if (call.answered_at) {
    agentOptions(call).then((options) => fill(agent, h("option", { value: "" }, options.length ? "Choose somebody" : "Nobody else is there"), options),
      () => fill(agent, h("option", { value: "" }, "The agents could not be read")));
  }
}
