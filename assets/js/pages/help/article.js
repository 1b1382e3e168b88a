// One article, for a customer who is signed in.

import { h } from "../../dom.js";
import { listen } from "../../feed.js";
import { gone, isOpen, showArticle } from "../../reading.js";

function mount(root, { params, user, signal }) {
  const place = h("div", { class: "stack" });
  root.append(place, h("p", { class: "ask-us" }, "Not what you were looking for? ", h("a", { href: "/help/new" }, "Ask us")));
  let shown = null;
  const show = async (slug) => {
    const titled = ({ title }) => { document.title = `${title} · Deskbell`; };
    shown = await showArticle(place, slug, { user, back: "/help/articles", signal, titled });
  };
  show(params.slug);
  // Somebody mends it while it is read, or takes it back.
  listen(({ type, data }) => {
    if (!type.startsWith("kb_article.") || data.id !== shown?.id || data.version <= shown.version) return;
    if (isOpen(data)) return void show(data.slug);
    shown = { ...shown, version: data.version };
    gone(place, "/help/articles");
  }, signal);
}

export default { title: "Article", mount };
