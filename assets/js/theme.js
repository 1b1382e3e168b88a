// The light/dark switch: follows the system until someone chooses, then remembers the choice.

import { h, icon, fill } from "./dom.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
const current = () => document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");

/** A button that switches the scheme. */
export function themeButton(className = "") {
  const button = h("button", { type: "button", class: `button button-plain button-icon ${className}` });
  const draw = () => {
    const other = current() === "dark" ? "light" : "dark";
    button.setAttribute("aria-label", `Switch to ${other} colours`);
    button.title = `Switch to ${other} colours`;
    fill(button, icon(other === "dark" ? "moon" : "sun"));
  };
  button.addEventListener("click", () => {
    const next = current() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("deskbell.theme", next);
    } catch {
      // Remembered for this page only.
    }
    draw();
  });
  dark.addEventListener("change", draw);
  draw();
  return button;
}
