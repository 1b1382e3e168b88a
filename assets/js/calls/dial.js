// Click to dial: a number with a button that calls it. Where a telephone system is connected it rings
// the agent's telephone first; else the call is written down, and dialled by hand.

import { api, newKey, sentence } from "../api.js";
import { fill, h, icon, toast } from "../dom.js";
import { numberNode } from "./words.js";

/** What the server would not dial anyway. */
const NUMBER_MAX = 128;

/** Calls a number; resolves to the call. */
export async function dial(number) {
  const { data } = await api.post("/calls", { direction: "outbound", to_number: number.slice(0, NUMBER_MAX) }, { key: newKey() });
  return data;
}

/** A button that calls `number`; `who` is said where the number alone would not tell. */
export function dialButton(number, { who = "", words = "Call", className = "button-s" } = {}) {
  const trouble = h("span", { class: "error small", role: "alert" });
  const button = h("button", { type: "button", class: `button ${className}`, "aria-label": `${words} ${who ? `${who}, ` : ""}${number}` }, icon("phone", 14), words);
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    fill(trouble);
    try {
      await dial(number);
      toast(`Calling ${number}`);
    } catch (error) {
      fill(trouble, sentence(error), ...Object.values(error.fields ?? {}).map((words) => ` ${words}`));
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
  return h("span", { class: "dial" }, button, trouble);
}

/** A number with its button. */
export const dialable = (number, options) => h("span", { class: "dialable" }, numberNode(number), dialButton(number, options));
