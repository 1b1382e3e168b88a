// The categories of the knowledge base: named, put in order, added and deleted, for supervisors.

import { api, sentence } from "../api.js";
import { ask, openDialog } from "../dialog.js";
import { fill, h, icon, note } from "../dom.js";
import { categories } from "../kb.js";

/** Opens the dialog; `done()` is called once it is closed. */
export function editCategories({ done }) {
  const life = new AbortController();
  const { signal } = life;
  const list = h("ol", { class: "shelf" });
  const trouble = h("div");
  const name = h("input", { class: "input", name: "name", maxlength: "100", "aria-label": "Name of a new category", placeholder: "New category" });
  let all = [];

  const attempt = async (work) => {
    try {
      await work();
      fill(trouble);
    } catch (error) {
      if (signal.aborted) return;
      fill(trouble, note("bad", error.code === "version_conflict" ? "Somebody else changed it meanwhile; this is how it is now." : sentence(error)));
    }
    await read();
  };
  const patch = ({ id, version }, change) => api.patch(`/kb/categories/${id}`, { ...change, version }, { signal });
  /** Everything gets its number anew, so that two never share one. */
  const move = (from, to) => attempt(async () => {
    const next = [...all];
    next.splice(to, 0, ...next.splice(from, 1));
    for (const [position, one] of next.entries()) if (one.position !== position) await patch(one, { position });
  });
  const remove = async (one) => {
    const sure = await ask({ title: `Delete “${one.name}”?`, words: "Its articles stay, in no category.", yes: "Delete category" });
    if (sure) await attempt(() => api.delete(`/kb/categories/${one.id}`, { signal }));
  };
  const small = (sign, words, onclick, disabled = false) => h("button", { type: "button", class: "button button-plain button-icon button-s", "aria-label": words, title: words, disabled, onclick }, icon(sign, 15));
  const row = (one, at) => {
    const box = h("input", {
      class: "input", value: one.name, maxlength: "100", "aria-label": `Name of ${one.name}`,
      onchange: () => attempt(() => patch(one, { name: box.value })),
    });
    return h("li", {}, box, small("up", `Move ${one.name} up`, () => move(at, at - 1), at === 0),
      small("below", `Move ${one.name} down`, () => move(at, at + 1), at === all.length - 1), small("bin", `Delete ${one.name}`, () => remove(one)));
  };
  const read = async () => {
    try {
      all = await categories(signal);
      fill(list, all.length ? all.map(row) : h("li", { class: "quiet" }, "No categories yet."));
    } catch (error) {
      if (!signal.aborted) fill(trouble, note("bad", sentence(error)));
    }
  };
  const add = h("form", { class: "shelf-new" }, name, h("button", { type: "submit", class: "button" }, icon("plus", 16), "Add"));
  add.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!name.value.trim()) return name.focus();
    return attempt(async () => {
      await api.post("/kb/categories", { name: name.value, position: all.length }, { signal });
      name.value = "";
      name.focus();
    });
  });
  const node = openDialog({
    title: "Categories",
    body: [h("p", { class: "quiet" }, "Readers see them in this order."), trouble, list, add],
    foot: [h("button", { type: "button", class: "button button-main", onclick: () => node.close() }, "Done")],
    onclose: () => {
      life.abort();
      done();
    },
  });
  read();
}
