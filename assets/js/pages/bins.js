// Request bins: addresses of this server that keep what is sent to them, for trying webhooks out.

import { api, sentence } from "../api.js";
import { empty, fill, h, icon, note } from "../dom.js";
import { count, every, moment } from "../time.js";

const REFRESH_MS = 3_000;

/** How a bin answers, in words. */
export function manner({ status, delay_ms: delay, hang }) {
  if (hang) return "never answers";
  return delay ? `${status} after ${delay.toLocaleString()} ms` : `${status} at once`;
}

/** What people call a bin. */
export const nameOf = (bin) => bin.name || `Bin ${bin.id.slice(0, 8)}`;

function row(bin, go) {
  const path = `/admin/bins/${bin.id}`;
  const good = !bin.behaviour.hang && bin.behaviour.status < 300;
  const line = h("tr", { class: "opens" },
    h("td", {}, h("a", { class: "hook-name", href: path }, nameOf(bin)), h("span", { class: "url", title: bin.url }, bin.url)),
    h("td", { "data-name": "Answers" }, h("span", { class: `badge tone-${good ? "good" : "warn"}` }, manner(bin.behaviour))),
    h("td", { "data-name": "Taken" }, count(bin.taken)),
    h("td", { "data-name": "Last request" }, bin.last_request_at ? moment(bin.last_request_at) : h("span", { class: "quiet small" }, "none yet")),
    h("td", { "data-name": "Ends" }, moment(bin.expires_at)));
  line.addEventListener("click", (event) => {
    if (!event.target.closest("a") && !getSelection()?.toString()) go(path);
  });
  return line;
}

function mount(root, { go, signal }) {
  const says = h("div");
  const add = async () => {
    try {
      const { data } = await api.post("/bins", {});
      go(`/admin/bins/${data.id}`);
    } catch (error) {
      fill(says, note("bad", sentence(error)));
    }
  };
  const addButton = () => h("button", { type: "button", class: "button button-main", onclick: add }, icon("plus", 16), "New bin");
  const card = h("div", { class: "card" }, empty("One moment", "Reading the list…"));
  root.append(h("header", { class: "page-head" },
    h("div", {}, h("h1", {}, "Request bins"), h("p", {}, "Addresses of this server that keep what is sent to them: try webhooks out with nothing else at hand.")), addButton()), says, card);
  let drawn = "";
  every(REFRESH_MS, async () => {
    try {
      const { data } = await api.get("/bins", { signal });
      if (JSON.stringify(data) === drawn) return;
      drawn = JSON.stringify(data);
      if (!data.length) fill(card, empty("No bins yet", "Make one, give its address to a webhook or to curl, and watch what comes. Bins last a week, and end with the server.", addButton()));
      else {
        fill(card, h("table", { class: "table" }, h("caption", { class: "visually-hidden" }, "Request bins"),
          h("thead", {}, h("tr", {}, ["Bin", "Answers", "Taken", "Last request", "Ends"].map((name) => h("th", { scope: "col" }, name)))),
          h("tbody", {}, data.map((bin) => row(bin, go)))));
      }
    } catch (error) {
      if (!signal.aborted) fill(says, note("bad", sentence(error)));
    }
  }, signal);
}

export default { title: "Request bins", mount };
