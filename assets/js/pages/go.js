// Finds the page of a thing that stands on another: a comment's ticket, a file's, an article by its id.

import { api, sentence } from "../api.js";
import { empty, fill, h, note } from "../dom.js";
import { home } from "../links.js";

const thing = (kind, id, signal) => api.get(`/${kind}/${encodeURIComponent(id)}`, { signal }).then(({ data }) => data);

/** The path to a thing; `base` is `/admin` or `/help`. */
async function find(base, kind, id, signal) {
  if (kind === "comment") return `${base}/tickets/${(await thing("comments", id, signal)).ticket_id}`;
  if (kind === "attachment") {
    const file = await thing("attachments", id, signal);
    return find(base, file.parent_type, file.parent_id, signal);
  }
  if (kind === "ticket") return `${base}/tickets/${id}`;
  if (kind !== "kb_article") return base;
  return base === "/admin" ? `${base}/articles/${id}` : `${base}/articles/${(await thing("kb/articles", id, signal)).slug}`;
}

function mount(root, { params, user, go, signal }) {
  const box = h("div", { class: "card" }, empty("One moment", "Looking it up…"));
  root.append(h("h1", { class: "visually-hidden" }, "Looking it up"), box);
  find(home(user), params.kind, params.id, signal).then((path) => !signal.aborted && go(path, { replace: true }), (error) => {
    if (signal.aborted) return;
    fill(box, error.status === 404
      ? empty("It is gone", "What you were told of was deleted since, or is no longer for you to see.", h("a", { class: "button", href: home(user) }, "Go to the start"))
      : note("bad", sentence(error)));
  });
}

export default { title: "One moment", mount };
