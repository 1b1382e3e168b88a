// The knowledge base for everybody, at /kb and /kb/{slug}: no sign-in, no live line, plain links.

import { query, seemsSignedIn } from "./api.js";
import { fill, h, icon, mark } from "./dom.js";
import { showArticle, Shelves } from "./reading.js";
import { themeButton } from "./theme.js";

const root = document.getElementById("app");
const { signal } = new AbortController();
const tenant = (new URLSearchParams(location.search).get("tenant") ?? "").slice(0, 100);
const slug = /^\/kb\/([^/]+)\/?$/.exec(location.pathname)?.[1] ?? null;
const known = seemsSignedIn();
const shelvesPath = `/kb${query({ tenant })}`;

const name = h("span", { class: "brand-name" }, tenant || "Help");
const main = h("main", { id: "main", class: "work", tabindex: "-1" });
const top = h("header", { class: "top" }, h("div", { class: "top-row" },
  h("a", { class: "brand", href: shelvesPath }, mark(), name), h("span", { class: "push" }), themeButton(),
  h("a", { class: "button button-plain", href: "/help" }, known ? "My requests" : "Sign in")));
fill(root, h("div", { class: "help" }, top, main));

const page = h("div", { class: "page" });
fill(main, page);

function title(words) {
  document.title = `${words} · ${name.textContent}`;
}

/** Whose help this is; a server with one organisation may never have named it. */
function named(who) {
  if (who && who !== "default") name.textContent = who;
}

/** Where a server has several organisations, somebody has to say which. */
function whose(error) {
  if (error.code !== "tenant_required" && !(tenant && error.status === 404 && !slug)) return false;
  const box = h("input", { class: "input", name: "tenant", "aria-label": "Organisation", maxlength: "100", required: true, value: tenant });
  fill(page, h("form", { class: "card card-pad whose", method: "get", action: location.pathname },
    h("h1", {}, "Whose help are you looking for?"), h("p", { class: "quiet" }, error.status === 404 ? "There is no organisation of that name here." : "Several organisations answer at this address."),
    h("div", { class: "row" }, box, h("button", { type: "submit", class: "button button-main" }, "Go there"))));
  title("Whose help?");
  box.focus();
  return true;
}

const ask = h("p", { class: "ask-us" }, "Still stuck? ", h("a", { href: "/help/new" }, known ? "Ask us" : "Sign in and ask us"));
if (slug === null) {
  const heard = (who) => {
    named(who);
    title("Articles");
  };
  const shelves = new Shelves({ linkOf: (one) => `/kb/${one}${query({ tenant })}`, tenant, signal, named: heard, failed: whose });
  fill(page, h("header", { class: "hero" }, h("h1", {}, "How can we help?")), shelves.node, ask);
} else {
  const place = h("div", { class: "stack" });
  fill(page, place, ask);
  const titled = (article, who) => {
    named(who);
    title(article.title);
    // An old address led here: show the present one.
    if (article.slug && article.slug !== slug) history.replaceState(null, "", `/kb/${article.slug}${query({ tenant })}`);
  };
  showArticle(place, slug, { user: known ? {} : null, tenant, back: shelvesPath, signal, titled, failed: whose });
}
