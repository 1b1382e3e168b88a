// The frame of the customers' own pages: one bar on top, one page below it.

import { Bell } from "./bell.js";
import { fill, h, icon, mark } from "./dom.js";
import { pages } from "./pages/help/index.js";
import { openStage } from "./stage.js";
import { themeButton } from "./theme.js";

/** Builds the frame into `root` and returns `{end}`. */
export function openHelp(root, user, signOut) {
  const life = new AbortController();
  const { signal } = life;
  const bell = new Bell(user, signal);
  const main = h("main", { id: "main", class: "work", tabindex: "-1" });
  const links = pages.filter(({ name }) => name).map((page) => [h("a", { href: page.path }, icon(page.icon, 17), h("span", {}, page.name)), page.path]);
  const top = h("header", { class: "top" }, h("div", { class: "top-row" },
    h("a", { class: "brand", href: "/help", "aria-label": "Deskbell, my requests" }, mark(), h("span", { class: "brand-name" }, "Deskbell")),
    h("nav", { class: "top-nav", "aria-label": "Pages" }, h("ul", {}, links.map(([link]) => h("li", {}, link)))),
    bell.button(),
    themeButton(),
    h("button", { type: "button", class: "button button-plain button-icon", "aria-label": `Sign out ${user.name}`, title: `Sign out (${user.name})`, onclick: signOut }, icon("out"))));
  fill(root, h("div", { class: "help" }, top, bell.panel, main));
  const moved = (page) => {
    for (const [link, target] of links) {
      if (page && (page.under ?? page.path) === target) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  };
  openStage({ base: "/help", pages, start: ["/help", "Go to my requests"], user, main, moved, signal });
  return { end: () => life.abort() };
}
