// What supervisors say of the board: when its day begins, and from which numbers on it worries.

import { api } from "../api.js";
import { openDialog } from "../dialog.js";
import { fill, h, toast } from "../dom.js";
import { field, input, onSubmit, showError } from "../form.js";

const NUMBERS = [
  ["answer_within_s", "In time is an answer within, seconds"],
  ["waiting_warn", "Callers waiting: worth a look"],
  ["waiting_bad", "Callers waiting: too many"],
  ["wait_warn_s", "Longest wait: worth a look, seconds"],
  ["wait_bad_s", "Longest wait: too long, seconds"],
  ["level_warn", "In time, worth a look below, %"],
  ["level_bad", "In time, bad below, %"],
];

/** A dialog over the settings; boards that are open hear of it from the server. */
export function openSettings(settings) {
  if (!settings) return;
  const zone = input({ value: settings.timezone, autocomplete: "off", spellcheck: "false", autofocus: true });
  const controls = NUMBERS.map(([name, label]) => [name, label, input({ type: "number", min: "0", value: settings[name] })]);
  const form = h("form");
  const node = openDialog({
    title: "Thresholds",
    wrap: (parts) => fill(form, parts),
    body: [h("div", { "data-message": true }),
      field("timezone", "Time zone of the day", zone, "such as Europe/Berlin; reports count in the same days"),
      h("div", { class: "pair" }, controls.map(([name, label, control]) => field(name, label, control)))],
    foot: [h("button", { type: "button", class: "button", onclick: () => node.close() }, "Cancel"),
      h("button", { type: "submit", class: "button button-main" }, "Save")],
  });
  onSubmit(form, async () => {
    const wish = Object.fromEntries(controls.map(([name, , control]) => [name, Number(control.value)]));
    try {
      await api.patch("/board/settings", { timezone: zone.value.trim(), ...wish });
      node.close();
      toast("Saved");
    } catch (error) {
      showError(form, error);
    }
  });
}
