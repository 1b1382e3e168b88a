// Fields with labels, hints and errors that stand beside them, and what a form does while it is sent.

import { ApiError, sentence } from "./api.js";
import { fill, h, note } from "./dom.js";

let serial = 0;

/** A labelled field around `control`; `name` is the server's name for it, which errors use. */
export function field(name, label, control, hint = "") {
  serial += 1;
  const id = `f${serial}-${name}`;
  control.id = id;
  if (!control.name) control.name = name;
  const described = [];
  const box = h("div", { class: "field", "data-field": name }, h("label", { for: id }, label), control);
  if (hint) {
    described.push(`${id}-hint`);
    box.append(h("p", { class: "hint", id: `${id}-hint` }, hint));
  }
  if (described.length) control.setAttribute("aria-describedby", described.join(" "));
  return box;
}

/** A text input. */
export const input = (props) => h("input", { class: "input", type: "text", ...props });

/** A password input with a button that shows it. */
export function password(props) {
  const control = input({ type: "password", spellcheck: "false", autocapitalize: "off", ...props });
  const button = h("button", { type: "button", class: "button button-plain button-s", "aria-pressed": "false" }, "Show");
  button.addEventListener("click", () => {
    const shown = control.type === "text";
    control.type = shown ? "password" : "text";
    button.textContent = shown ? "Show" : "Hide";
    button.setAttribute("aria-pressed", String(!shown));
  });
  return { control, button };
}

/** Moves the control of a field made by {@link field} into a wrapper with a button. */
export function withButton(box, { control, button }) {
  const wrap = h("div", { class: "input-with" });
  control.replaceWith(wrap);
  wrap.append(control, button);
  button.setAttribute("aria-controls", control.id);
  return box;
}

/** Takes every error off the fields in `part`. */
function clearFields(part) {
  for (const error of part.querySelectorAll(".error")) {
    error.remove();
  }
  for (const control of part.querySelectorAll("[aria-invalid]")) {
    control.removeAttribute("aria-invalid");
    control.setAttribute("aria-describedby", (control.getAttribute("aria-describedby") ?? "").replace(/ ?\S+-error/, "").trim());
  }
}

/** Takes every error off a form. */
export function clearErrors(form) {
  clearFields(form);
  fill(form.querySelector("[data-message]") ?? h("div"));
}

/** Puts an error beside its field; `events[2]` belongs to `events`. False when no such field is here. */
export function fieldError(form, name, message) {
  const base = name.split(/[.[]/)[0];
  const box = form.querySelector(`[data-field="${CSS.escape(name)}"], [data-field="${CSS.escape(base)}"]`);
  if (!box) return false;
  // Nobody finds an error in what is folded away.
  box.closest("details")?.setAttribute("open", "");
  const control = box.querySelector("input, select, textarea");
  const id = `${control?.id ?? base}-error`;
  const text = name === base ? message.charAt(0).toUpperCase() + message.slice(1) : `${name}: ${message}`;
  box.append(h("p", { class: "error", id }, text));
  if (control) {
    control.setAttribute("aria-invalid", "true");
    control.setAttribute("aria-describedby", `${control.getAttribute("aria-describedby") ?? ""} ${id}`.trim());
  }
  return true;
}

/** Shows what went wrong: field errors beside fields, the rest above the button. */
export function showError(form, error) {
  const fields = error instanceof ApiError ? Object.entries(error.fields) : [];
  const left = fields.filter(([name, message]) => !fieldError(form, name, message));
  const words = fields.length === 0 ? [sentence(error)] : left.map(([name, message]) => `${name}: ${message}`);
  if (words.some(Boolean)) showMessage(form, "bad", ...words.filter(Boolean));
  form.querySelector("[aria-invalid]")?.focus();
}

/** A message in the form's own place for it. */
export function showMessage(form, tone, ...words) {
  const place = form.querySelector("[data-message]");
  if (place) fill(place, note(tone, ...words));
}

/** Runs `send()` on submit: one at a time, errors shown, the button telling that it works. */
export function onSubmit(form, send) {
  let busy = false;
  form.noValidate = true;
  // What somebody is mending is not wrong any more, until they send it again.
  form.addEventListener("input", ({ target }) => {
    const box = target.closest(".field");
    if (box) clearFields(box);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    clearErrors(form);
    const button = event.submitter ?? form.querySelector("[type=submit]");
    busy = true;
    button?.setAttribute("aria-disabled", "true");
    form.setAttribute("aria-busy", "true");
    try {
      await send(form);
    } catch (error) {
      showError(form, error);
    } finally {
      busy = false;
      button?.removeAttribute("aria-disabled");
      form.removeAttribute("aria-busy");
    }
  });
}
