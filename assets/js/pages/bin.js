// One request bin: what comes, the moment it comes, whether it is signed well, and how it answers.

import { api, query, sentence } from "../api.js";
import { ask } from "../dialog.js";
import { copyButton, empty, fill, h, icon, note, toast } from "../dom.js";
import { field, input, onSubmit } from "../form.js";
import { count, every, moment } from "../time.js";
import { hue } from "../words.js";
import { manner, nameOf } from "./bins.js";

const REFRESH_MS = 1_000;
/** As many as the server keeps. */
const SHOWN_MAX = 100;
const VERDICTS = {
  valid: ["good", "signature valid"], invalid: ["bad", "signature invalid"],
  unsigned: ["quiet", "not signed"], no_secret: ["warn", "no secret to check with"],
};

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function detail(came) {
  const body = came.body ?? came.body_base64 ?? "";
  const shown = came.body === null ? body : pretty(body);
  const headers = Object.entries(came.headers).map(([name, value]) => `${name}: ${value}`).join("\n");
  return h("div", { class: "more" },
    came.signature.why && note(came.signature.verdict === "invalid" ? "bad" : "warn", came.signature.why),
    h("dl", { class: "facts" }, [["From", came.from ?? "this server, within the process"], ["Path", came.path], ["Bytes", count(came.size)], ["Answered", manner(came.answer)]]
      .map(([k, v]) => h("div", {}, h("dt", {}, k), h("dd", {}, h("code", {}, v))))),
    h("div", { class: "code" }, h("pre", { tabindex: "0", "aria-label": "Headers" }, headers), copyButton(() => headers)),
    came.headers_cut && h("p", { class: "small quiet" }, "More headers came than are kept."),
    body ? h("div", { class: "code" }, h("pre", { tabindex: "0", "aria-label": came.body === null ? "Body, in base64" : "Body" }, shown), copyButton(() => body))
      : h("p", { class: "small quiet" }, "No body."));
}

/** A line that opens; what is in it is drawn when it does. */
function line(came, fresh) {
  const [tone, words] = VERDICTS[came.signature.verdict] ?? ["quiet", came.signature.verdict];
  const event = came.headers["x-webhook-event"];
  const node = h("details", { class: fresh ? "came fresh" : "came" },
    h("summary", {}, h("span", { class: "mono" }, `#${came.number}`), moment(came.received_at), h("b", { class: "mono" }, came.method),
      event ? h("span", { class: `kind hue-${hue(event)}` }, event) : h("span", { class: "mono quiet" }, came.path.slice(0, 60)),
      h("span", { class: `badge tone-${tone} push` }, words)));
  node.addEventListener("toggle", () => node.open && !node.querySelector(".more") && node.append(detail(came)));
  return h("li", {}, node);
}

class BinView {
  newest = 0;
  bin = null;

  constructor(root, { params, go, signal }) {
    Object.assign(this, { go, signal, path: `/bins/${encodeURIComponent(params.id)}` });
    this.title = h("h1", {}, "Request bin");
    this.url = h("code", { class: "mono" });
    this.facts = h("div", { class: "row small quiet" });
    this.says = h("div");
    this.list = h("ol", { class: "card feed", "aria-label": "Requests, the newest first" });
    this.card = h("div", {}, empty("Nothing came yet", "Send something to the address above: it appears here within a second."));
    this.form = this.#behaviour();
    const remove = h("button", { type: "button", class: "button button-bad", onclick: () => this.#delete() }, icon("bin", 16), "Delete");
    root.append(h("a", { class: "crumb row", href: "/admin/bins" }, icon("back", 15), "All bins"),
      h("header", { class: "page-head" }, h("div", {}, this.title, h("p", { class: "row" }, this.url, copyButton(() => this.bin?.url ?? "")), this.facts), h("div", { class: "row" }, remove)),
      this.says, this.form, h("section", { class: "stack", "aria-labelledby": "came-title" }, h("h2", { id: "came-title" }, "Requests"), this.card));
    this.#begin();
  }

  async #begin() {
    try {
      await this.#look();
    } catch (error) {
      if (this.signal.aborted) return;
      fill(this.says, note("bad", error.status === 404 ? "There is no such bin. Bins last a week, and end with the server." : sentence(error)));
      this.form.hidden = true;
      fill(this.card);
      return;
    }
    this.#put(this.bin);
    every(REFRESH_MS, () => this.#news(), this.signal);
  }

  async #look() {
    const { data } = await api.get(this.path, { signal: this.signal });
    this.#show(data);
  }

  #show(bin) {
    this.bin = bin;
    document.title = `${nameOf(bin)} · Deskbell`;
    fill(this.title, nameOf(bin));
    fill(this.url, bin.url);
    fill(this.facts, h("span", {}, `${count(bin.taken)} taken`), bin.refused > 0 && h("span", {}, `${count(bin.refused)} refused`),
      h("span", {}, bin.has_secret ? "checks with a secret of its own" : "checks with the secrets of your webhooks that point here"), h("span", {}, "ends ", moment(bin.expires_at)));
  }

  async #news() {
    try {
      const { data } = await api.get(`${this.path}/requests${query({ after: this.newest })}`, { signal: this.signal });
      if (!data.length) return;
      const first = this.newest === 0;
      this.newest = data[0].number;
      this.list.prepend(...data.map((came) => line(came, !first)));
      while (this.list.children.length > SHOWN_MAX) this.list.lastChild.remove();
      if (!this.list.isConnected) fill(this.card, this.list);
      await this.#look();
      fill(this.says);
    } catch (error) {
      if (!this.signal.aborted) fill(this.says, note("bad", sentence(error)));
    }
  }

  #behaviour() {
    const c = this.controls = {
      name: input({ maxlength: 100 }), status: input({ type: "number", min: 200, max: 599 }), delay_ms: input({ type: "number", min: 0, max: 60000 }),
      hang: h("input", { type: "checkbox", name: "hang" }), secret: input({ autocomplete: "off", spellcheck: "false", placeholder: "unchanged" }),
    };
    const form = h("form", { class: "card card-pad stack", method: "post", action: "/admin/bins", "aria-label": "How this bin answers" },
      h("div", { class: "pair" }, field("name", "Name", c.name), field("behaviour.status", "Answers with status", c.status), field("behaviour.delay_ms", "After milliseconds", c.delay_ms),
        field("secret", "Secret of its own", c.secret, "Empty: as it is")),
      h("div", { "data-message": "" }),
      h("div", { class: "row" }, h("label", { class: "check" }, c.hang, h("span", {}, "Never answers")), h("button", { type: "submit", class: "button push" }, "Save")));
    onSubmit(form, async () => {
      const wish = { name: c.name.value, behaviour: { status: Number(c.status.value), delay_ms: Number(c.delay_ms.value), hang: c.hang.checked } };
      if (c.secret.value) wish.secret = c.secret.value;
      const { data } = await api.patch(this.path, wish);
      this.#show(data);
      this.#put(data);
      toast("Saved");
    });
    return form;
  }

  #put(bin) {
    const c = this.controls;
    c.name.value = bin.name;
    c.status.value = bin.behaviour.status;
    c.delay_ms.value = bin.behaviour.delay_ms;
    c.hang.checked = bin.behaviour.hang;
    c.secret.value = "";
  }

  async #delete() {
    const yes = await ask({ title: `Delete ${nameOf(this.bin)}?`, words: "What it has kept goes with it, and a webhook that points to it is answered 404.", yes: "Delete bin" });
    if (!yes) return;
    try {
      await api.delete(this.path);
      toast("Deleted");
      this.go("/admin/bins");
    } catch (error) {
      fill(this.says, note("bad", sentence(error)));
    }
  }
}

export default {
  title: "Request bin",
  mount: (root, ctx) => void new BinView(root, ctx),
};
