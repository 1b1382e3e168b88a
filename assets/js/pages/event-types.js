// The catalogue: every kind of event with a sentence, who hears it, an example and its schema.

import { api, sentence } from "../api.js";
import { copyButton, empty, fill, h, icon, note } from "../dom.js";
import { hue } from "../words.js";

const json = (value) => JSON.stringify(value, null, 2);

function block(name, value) {
  const text = json(value);
  return h("div", { class: "stack-s" }, h("h3", { class: "small quiet" }, name),
    h("div", { class: "code" }, h("pre", { tabindex: "0", "aria-label": name }, text), copyButton(() => text)));
}

/** One kind; its example and schema are drawn when it is opened. */
function kind(entry) {
  const node = h("details", { class: "came" },
    h("summary", {}, h("span", { class: `kind hue-${hue(entry.type)}` }, entry.type), h("span", {}, entry.description), entry.custom && h("span", { class: "badge tone-info push" }, "your own")));
  node.addEventListener("toggle", () => {
    if (!node.open || node.querySelector(".more")) return;
    node.append(h("div", { class: "more" }, h("p", { class: "small" }, `Heard by: ${entry.audience}`), block("Example of its data", entry.example), block("JSON Schema of its data", entry.schema)));
  });
  return h("li", {}, node);
}

function mount(root, { signal }) {
  const search = h("input", { class: "input", type: "search", placeholder: "ticket, order.paid, hangs up …", "aria-label": "Search kinds of events", autocomplete: "off", spellcheck: "false" });
  const list = h("ol", { class: "card feed", "aria-label": "Kinds of events" });
  const said = h("p", { class: "small quiet", role: "status" });
  const card = h("div", {}, empty("One moment", "Reading the catalogue…"));
  root.append(h("header", { class: "page-head" }, h("div", {}, h("h1", {}, "Event types"), h("p", {}, "Everything that rings the bell. Webhooks choose from these by name or family; kinds of your own are published by POST /api/v1/events."))),
    h("div", { class: "tools" }, h("div", { class: "search" }, icon("search", 16), search), said), card);
  api.get("/event-types", { signal }).then(({ data }) => {
    const all = data.map((entry) => ({ entry, text: `${entry.type} ${entry.description}`.toLowerCase() }));
    const draw = () => {
      const wanted = search.value.trim().toLowerCase().replace(/\*$/, "");
      const found = all.filter(({ text }) => text.includes(wanted));
      fill(said, found.length === all.length ? `${all.length} kinds` : `${found.length} of ${all.length} kinds`);
      fill(list, found.map(({ entry }) => kind(entry)));
      fill(card, found.length ? list : empty("No such kind", "A kind of your own needs no entry here: publish it, and it is there."));
    };
    search.addEventListener("input", draw, { signal });
    draw();
  }).catch((error) => !signal.aborted && fill(card, note("bad", sentence(error))));
}

export default { title: "Event types", mount };
