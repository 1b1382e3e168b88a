// Invites somebody, changes an account, closes it, and makes the links by which people come in.

import { api, newKey } from "../api.js";
import { ask, openDialog, refill } from "../dialog.js";
import { copyButton, fill, h, note, toast } from "../dom.js";
import { field, fieldError, input, onSubmit, showError, showMessage } from "../form.js";
import { span } from "../time.js";
import { capital } from "../words.js";

const ROLES = ["customer", "agent", "supervisor", "admin"];
const ROLE_HINT = "Customers see their own requests; agents all tickets; supervisors also delete, restore and change many at once; administrators everything.";
const INVITE_MS = 7 * 86_400_000;
const FIELDS = { name: "Name", email: "E-mail", role: "Role", phone: "Phone", extension: "Extension" };

/** A link as the server made it is without a host where none is configured: it is this one. */
const whole = (link) => new URL(link, location.origin).href;

function controls(person) {
  return {
    name: input({ value: person?.name ?? "", autocomplete: "off", maxlength: "200", dir: "auto", autofocus: true }),
    email: input({ type: "email", value: person?.email ?? "", autocomplete: "off", maxlength: "254", spellcheck: "false" }),
    role: h("select", { class: "input" }, ROLES.map((role) => h("option", { value: role, selected: role === (person?.role ?? "agent") }, capital(role)))),
    phone: input({ type: "tel", value: person?.phone ?? "", autocomplete: "off", maxlength: "64" }),
    extension: input({ value: person?.extension ?? "", autocomplete: "off", maxlength: "64" }),
  };
}

const fields = (c) => [
  field("name", "Name", c.name), field("email", "E-mail", c.email, "They sign in with it."), field("role", "Role", c.role, ROLE_HINT),
  h("div", { class: "pair" }, field("phone", "Phone", c.phone), field("extension", "Extension", c.extension)),
];

const values = (c) => Object.fromEntries(Object.keys(FIELDS).map((name) => [name, c[name].value.trim()]));

/** Puts errors beside what is missing; true when nothing is. */
function complete(form, { name, email }) {
  if (!name) fieldError(form, "name", "How are they called?");
  if (!/^\S+@\S+$/.test(email)) fieldError(form, "email", "An e-mail address, such as you@example.com");
  form.querySelector("[aria-invalid]")?.focus();
  return !form.querySelector("[aria-invalid]");
}

/** The second step: the link, once. */
function showLink(node, title, link, words) {
  const url = whole(link);
  refill(node, title, [
    h("p", {}, words),
    h("code", { class: "secret", tabindex: "0", "aria-label": "Link" }, url),
    h("div", { class: "row" }, copyButton(() => url, "Copy link", "")),
    h("p", { class: "small quiet" }, "Whoever has it can come in with it: hand it over in a way that you trust. ", h("b", {}, "It is not shown again.")),
  ], [h("button", { type: "button", class: "button button-main", onclick: () => node.close() }, "I have passed it on")]);
}

/** Opens the form for a new account; `done(person)` hears of it as soon as it is made. */
export function invitePerson({ done }) {
  const c = controls(null);
  const form = h("form");
  const node = openDialog({
    title: "Invite somebody",
    wrap: (parts) => fill(form, parts),
    body: [h("div", { "data-message": true }), fields(c)],
    foot: [h("button", { type: "button", class: "button", onclick: () => node.close() }, "Cancel"), h("button", { type: "submit", class: "button button-main" }, "Make link")],
  });
  let once = { body: "", key: "" };
  onSubmit(form, async () => {
    const person = values(c);
    if (!complete(form, person)) return undefined;
    const body = JSON.stringify(person);
    if (once.body !== body) once = { body, key: newKey() };
    const { data: { invite_link: link, ...made } } = await api.post("/users", person, { key: once.key });
    done(made);
    // Where the first answer was lost, the second one has no link; it is not told twice.
    if (!link) return showMessage(form, "info", `${made.name} has an account, but the link was lost on the way. Close this, open the account and make a password link.`);
    return showLink(node, `${made.name} can come in`, link, `With this link they choose their password. It works once, for ${span(INVITE_MS)}.`);
  });
}

/** What of `mine` is different from `base`, as a PATCH says it. */
function difference(mine, base) {
  const pairs = Object.entries(mine).filter(([name, value]) => value !== (base[name] ?? ""));
  return Object.fromEntries(pairs.map(([name, value]) => [name, value || null]));
}

class PersonDialog {
  constructor(person, me, done) {
    this.base = person;
    this.me = me;
    this.done = done;
    this.c = controls(person);
    this.form = h("form");
    this.state = h("div");
    this.node = openDialog({
      title: person.name,
      wrap: (parts) => fill(this.form, parts),
      body: [h("div", { "data-message": true }), this.state, fields(this.c)],
      foot: this.#foot(),
    });
    this.#drawState();
    onSubmit(this.form, () => this.#save());
  }

  #foot() {
    this.close = h("button", { type: "button", class: "button", onclick: () => this.#try(() => this.#toggle()) });
    this.link = h("button", { type: "button", class: "button", onclick: () => this.#try(() => this.#makeLink()) }, "Password link");
    return [this.link, this.close, h("button", { type: "submit", class: "button button-main" }, "Save")];
  }

  #drawState() {
    const { is_active: active, id } = this.base;
    fill(this.state, !active && note("info", "This account is closed. Its tickets stay, but nobody can sign in with it."));
    fill(this.close, active ? "Close account" : "Open again");
    this.close.className = `button${active ? " button-bad" : ""}`;
    this.close.hidden = id === this.me.id;
    this.link.hidden = !active;
  }

  async #try(work) {
    try {
      await work();
    } catch (error) {
      showError(this.form, error);
    }
  }

  #changed(person) {
    this.base = person;
    this.done(person);
  }

  async #save() {
    const mine = values(this.c);
    if (!complete(this.form, mine)) return;
    const change = difference(mine, this.base);
    if (Object.keys(change).length) {
      const saved = await this.#patch(change);
      if (!saved) return;
      toast("Saved");
    }
    this.node.close();
  }

  /** Saves from the version that is shown. Who was quicker with other fields is not undone; with the same ones it is told. */
  async #patch(change) {
    const send = () => api.patch(`/users/${this.base.id}`, { ...change, version: this.base.version });
    for (;;) {
      try {
        this.#changed((await send()).data);
        return true;
      } catch (error) {
        if (error.code !== "version_conflict" || !error.current) throw error;
        const { base } = this;
        this.#changed(error.current);
        this.#drawState();
        const both = Object.keys(change).filter((name) => (base[name] ?? "") !== (this.base[name] ?? ""));
        this.#follow(base, change);
        if (!both.length) continue;
        const now = both.map((name) => `${FIELDS[name] ?? "State"} is now “${this.base[name] ?? ""}”.`);
        showMessage(this.form, "warn", "Somebody else changed this account meanwhile.", ...now, "Save again to have it your way.");
        return false;
      }
    }
  }

  /** Fields that I left alone show what they are now. */
  #follow(before, change) {
    for (const name of Object.keys(FIELDS)) {
      if (!(name in change) && this.c[name].value === (before[name] ?? "")) this.c[name].value = this.base[name] ?? "";
    }
  }

  async #toggle() {
    const { name, is_active: active } = this.base;
    const sure = !active || await ask({ title: `Close the account of ${name}?`, words: "They are signed out at once and cannot come back until you open it again. Their tickets stay.", yes: "Close account" });
    if (!sure || !await this.#patch({ is_active: !active })) return;
    this.#drawState();
    toast(active ? `${name} is signed out` : `${name} may sign in again`);
  }

  async #makeLink() {
    const { id, name } = this.base;
    const { data } = await api.post(`/users/${id}/reset-link`);
    showLink(this.node, `A link for ${name}`, data.reset_link, `With it they choose a password, and are signed out wherever they are signed in. It works once, for ${span(data.expires_in * 1000)}; an older one works no more.`);
  }
}

/** Opens somebody's account, as it is now; `done(person)` hears of every change. */
export async function editPerson({ id, me, done }) {
  try {
    const { data } = await api.get(`/users/${id}`);
    return new PersonDialog(data, me, done);
  } catch (error) {
    return error.name === "AbortError" ? null : toast(error.message);
  }
}
