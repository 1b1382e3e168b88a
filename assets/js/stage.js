// Shows one page after another in the frame's main part, as the address bar says.

import { sentence } from "./api.js";
import { fill, h, note } from "./dom.js";
import { may } from "./roles.js";
import { Router } from "./router.js";

/**
 * Shows `pages`, which lie below `base`, in `main`. `start` is `[path, words]` of the link on pages
 * that are missing, and `moved(page)` is told of every change. Ends with `signal`; returns the router.
 */
export function openStage({ base, pages, start, user, main, moved, signal }) {
  let visit = null;
  let first = true;
  signal.addEventListener("abort", () => visit?.abort());
  const show = async (page, params, path) => {
    visit?.abort();
    visit = new AbortController();
    const mine = visit;
    moved(page);
    const inner = h("div", { class: "page" });
    const title = await fillPage(inner, page, { params, path, user, start, go: (to, o) => router.go(to, o), signal: mine.signal });
    if (mine.signal.aborted || signal.aborted) return;
    fill(main, inner);
    document.title = `${title} · Deskbell`;
    // A reader of the screen hears where they are; on the first load the browser says it itself.
    const heading = inner.querySelector("h1");
    heading?.setAttribute("tabindex", "-1");
    if (!first) heading?.focus({ preventScroll: true });
    first = false;
  };
  const router = new Router(pages, show, signal, base);
  router.refresh();
  return router;
}

/** Puts the page into `inner` and returns its title; what is missing or forbidden is a page too. */
async function fillPage(inner, page, ctx) {
  const [path, words] = ctx.start;
  const head = (title, why) => {
    inner.append(h("header", { class: "page-head" }, h("div", {}, h("h1", {}, title), h("p", {}, why))),
      h("div", { class: "row" }, h("a", { class: "button button-main", href: path }, words)));
    return title;
  };
  if (!page) return head("No such page", `There is nothing at ${ctx.path}.`);
  if (!may(ctx.user, page.role)) return head("Not for you", `This page is for ${page.role === "admin" ? "administrators" : `${page.role}s`}. Ask one of them if you need something here.`);
  try {
    const { default: view } = await page.load();
    if (ctx.signal.aborted) return "";
    view.mount(inner, ctx);
    return typeof view.title === "function" ? view.title(ctx) : view.title;
  } catch (error) {
    fill(inner, h("h1", {}, "This page did not load"), note("bad", sentence(error)));
    return "Error";
  }
}
