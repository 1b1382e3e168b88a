// The articles, for customers who are signed in.

import { h } from "../../dom.js";
import { listen } from "../../feed.js";
import { Shelves } from "../../reading.js";

function mount(root, { signal }) {
  const shelves = new Shelves({ linkOf: (slug) => `/help/articles/${slug}`, signal });
  listen((event) => shelves.hear(event), signal);
  root.append(h("header", { class: "page-head" }, h("div", {}, h("h1", {}, "Articles"), h("p", {}, "Answers that are written down already."))), shelves.node);
}

export default { title: "Articles", mount };
