// The page with the big bell, used before someone is inside.

import { fill, h, mark } from "./dom.js";
import { themeButton } from "./theme.js";

/** Fills `root` with the gate and `content` on its right. */
export function openGate(root, content) {
  fill(root, h("div", { class: "gate" },
    h("header", { class: "gate-side" },
      h("div", {}, h("span", { class: "brand" }, mark(), h("span", { class: "brand-name" }, "Deskbell")),
        h("p", { class: "gate-words" }, "Somebody rings. Everybody who should know, knows.")),
      mark("gate-bell"),
      h("small", {}, "Tickets, calls, chats and the bell between them.")),
    h("main", { class: "gate-main", id: "main", tabindex: "-1" }, themeButton("gate-theme"), content)));
}
