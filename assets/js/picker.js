// Finds a person by name or e-mail: a text field with suggestions, as the ARIA pattern of a combobox.

import { api, query } from "./api.js";
import { fill, h } from "./dom.js";
import { learn } from "./people.js";

const WAIT_MS = 180;
const SHOWN = 8;

let serial = 0;

/**
 * `{control, box, value()}`: put `box` on the page; `control` is its input. `picked(user)` is called
 * when somebody is chosen; with `keep` the choice stays in the field and is what `value()` gives.
 */
export function personPicker({ label = "Person", roles = "", keep = false, picked = () => {}, signal }) {
  serial += 1;
  const listId = `people-${serial}`;
  const control = h("input", {
    class: "input", type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", "aria-autocomplete": "list",
    "aria-expanded": "false", "aria-controls": listId, placeholder: "Name or e-mail", "aria-label": keep ? null : label,
  });
  const list = h("ul", { class: "suggestions card", id: listId, role: "listbox", "aria-label": "Suggestions", hidden: true });
  const box = h("div", { class: "suggester" }, control, list);
  let chosen = null;
  let found = [];
  let at = -1;
  let timer = null;
  let asked = 0;

  const show = (open) => {
    list.hidden = !open;
    control.setAttribute("aria-expanded", String(open));
    if (!open) control.removeAttribute("aria-activedescendant");
  };
  const mark = (next) => {
    at = next;
    [...list.children].forEach((row, i) => row.setAttribute("aria-selected", String(i === at)));
    const row = list.children[at];
    if (!row?.id) return;
    control.setAttribute("aria-activedescendant", row.id);
    row.scrollIntoView({ block: "nearest" });
  };
  const pick = (user) => {
    chosen = user;
    learn(user.id, user.name);
    control.value = keep ? `${user.name} (${user.email})` : "";
    show(false);
    picked(user);
  };
  const draw = (users) => {
    found = users;
    fill(list, users.length
      ? users.map((user, i) => h("li", { role: "option", id: `${listId}-${i}`, "aria-selected": "false", onmousedown: (e) => { e.preventDefault(); pick(user); } },
        h("bdi", {}, user.name), h("small", {}, h("bdi", {}, user.email), user.role === "customer" ? "" : ` · ${user.role}`)))
      : h("li", { role: "option", "aria-disabled": "true", class: "quiet", "aria-selected": "false" }, "Nobody like that"));
    show(true);
    mark(users.length ? 0 : -1);
  };
  const ask = async () => {
    asked += 1;
    const mine = asked;
    const q = control.value.trim();
    if (!q) return show(false);
    try {
      const { data } = await api.get(`/users${query({ q, role: roles, is_active: true, per_page: SHOWN })}`, { signal });
      if (mine === asked && document.activeElement === control) draw(data ?? []);
    } catch {
      // The next letter asks again; what is sent without a choice is refused with words.
      show(false);
    }
    return undefined;
  };
  control.addEventListener("input", () => {
    chosen = null;
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  });
  control.addEventListener("blur", () => show(false));
  control.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (found.length) mark((at + (event.key === "ArrowDown" ? 1 : found.length - 1)) % found.length);
    } else if (event.key === "Enter" && found[at]) {
      event.preventDefault();
      pick(found[at]);
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      show(false);
    }
  });
  return { control, box, value: () => chosen?.id ?? null };
}
