// The frame of the administration: navigation at the side, a bar on small screens, the page inside.

import { Bell } from "./bell.js";
import { openPops } from "./calls/pops.js";
import { fill, h, icon, mark } from "./dom.js";
import { feed } from "./feed.js";
import { may, pages, sections } from "./pages/index.js";
import { avatar } from "./people.js";
import { openStage } from "./stage.js";
import { themeButton } from "./theme.js";

const LINE = {
  idle: ["quiet", "Not connected"],
  connecting: ["warn", "Connecting"],
  "catching-up": ["info", "Catching up"],
  live: ["good", "Live"],
  reconnecting: ["warn", "Reconnecting"],
  stopped: ["bad", "Disconnected"],
};

/** The pill that says how the socket stands; `signal` ends it. */
export function linePill(signal) {
  const pill = h("span", { class: "pill", role: "status" });
  const draw = () => {
    const { state, why } = feed.socket;
    const [tone, words] = LINE[state] ?? LINE.idle;
    pill.className = `pill tone-${tone}`;
    pill.textContent = words;
    pill.title = why || (state === "live" ? "Events appear the moment they happen." : "");
  };
  feed.socket.addEventListener("state", draw, { signal });
  draw();
  return pill;
}

/** Builds the shell into `root` and returns `{end}`. */
export function openShell(root, user, signOut) {
  const life = new AbortController();
  const { signal } = life;
  const main = h("main", { id: "main", class: "work", tabindex: "-1" });
  const { nav, links } = navigation(user);
  const bell = new Bell(user, signal);
  const { side, bar, veil, close } = frame(user, { nav, bell, signOut, main }, signal);
  const pops = openPops(user, signal);
  const box = h("div", { class: "shell" }, bar, side, bell.panel, main, veil, pops.node);
  fill(root, box);

  const moved = (page) => {
    close();
    pops.moved(location.pathname);
    for (const [link, target] of links) {
      const here = page && (page.under ?? page.path) === target;
      if (here) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  };
  ring(box, signal);
  openStage({ base: "/admin", pages, start: ["/admin", "Go to the live feed"], user, main, moved, signal });
  return { end: () => life.abort() };
}

function navigation(user) {
  const links = [];
  const groups = sections.map(({ name, pages: all }) => {
    const mine = all.filter((page) => page.icon && may(user, page.role));
    if (!mine.length) return null;
    return h("div", {}, h("p", { class: "nav-name", id: `nav-${name}` }, name),
      h("ul", { "aria-labelledby": `nav-${name}` }, mine.map((page) => {
        const link = h("a", { href: page.path }, icon(page.icon, 19), page.name);
        links.push([link, page.path]);
        return h("li", {}, link);
      })));
  });
  return { nav: h("nav", { class: "nav", "aria-label": "Pages" }, groups), links };
}

function brand() {
  return h("a", { class: "brand", href: "/admin", "aria-label": "Deskbell, live feed" }, mark(), h("span", { class: "brand-name" }, "Deskbell"));
}

function frame(user, { nav, bell, signOut, main }, signal) {
  const side = h("aside", { class: "side", id: "side", "aria-label": "Pages and account" },
    h("div", { class: "side-top" }, brand(), bell.button()), nav,
    h("div", { class: "side-foot" },
      h("div", { class: "side-me" }, avatar(user.name), h("span", {}, h("b", {}, user.name), h("small", {}, `${user.role} · ${user.email}`))),
      h("div", { class: "row" }, h("button", { type: "button", class: "button", onclick: signOut }, icon("out"), "Sign out"), themeButton())));
  const button = h("button", { type: "button", class: "button button-icon bar-menu", "aria-expanded": "false", "aria-controls": "side", "aria-label": "Menu" }, icon("menu"));
  const bar = h("header", { class: "bar" }, brand(), bell.button(), button);
  const veil = h("div", { class: "veil" });
  const set = (open) => {
    document.body.classList.toggle("menu-open", open);
    button.setAttribute("aria-expanded", String(open));
    main.inert = open;
    if (open) side.querySelector(".nav a")?.focus();
  };
  const isOpen = () => document.body.classList.contains("menu-open");
  const close = () => isOpen() && set(false);
  button.addEventListener("click", () => set(!isOpen()));
  veil.addEventListener("click", close);
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !isOpen()) return;
    set(false);
    button.focus();
  }, { signal });
  matchMedia("(min-width: 861px)").addEventListener("change", close, { signal });
  return { side, bar, veil, close };
}

/** The bell in the corner is struck, once, when something happens. */
function ring(box, signal) {
  feed.addEventListener("added", () => {
    for (const bell of box.querySelectorAll(".brand .mark")) {
      if (bell.classList.contains("struck")) continue;
      bell.classList.add("struck");
      setTimeout(() => bell.classList.remove("struck"), 750);
    }
  }, { signal });
}
