// First run: the one-use link from the server's terminal makes the first administrator.

import { api, noteSignedIn } from "./api.js";
import { fill, h } from "./dom.js";
import { field, fieldError, input, onSubmit, password, withButton } from "./form.js";
import { openGate } from "./gate.js";

const PASSWORD_MIN = 10;

const root = document.getElementById("app");

/** The token stands behind `#`, which browsers never send and proxies never log. */
const token = () => new URLSearchParams(location.hash.slice(1)).get("token") ?? "";

function page(title, words, ...rest) {
  openGate(root, h("div", { class: "gate-form" }, h("header", {}, h("h1", {}, title), h("p", { class: "quiet" }, words)), rest));
}

const newLink = () => h("div", { class: "stack" },
  h("p", {}, "For a new link, start the server again: as long as there is no administrator, it prints one each time."),
  h("p", { class: "small quiet" }, "While the server is stopped, this prints one too:"), h("code", { class: "secret" }, "deskbell admin setup-link"));

function noToken() {
  page("This link is not whole", "The set-up link ends in #token=… and a long word. Open it exactly as the server printed it.", newLink());
}

function alreadyDone() {
  page("Already set up", "This Deskbell has its administrator. Sign in to go on.",
    h("a", { class: "button button-main button-wide", href: "/admin" }, "Sign in"));
}

function expired() {
  page("This link has ended", "A set-up link works once, and for 30 minutes.", newLink());
}

function wrong() {
  page("This link does not fit", "The server does not know it. It may belong to an earlier start, or have lost a letter on its way.", newLink());
}

/** What the server's answer means for the link itself; false when it is about the fields. */
function aboutTheLink({ status }) {
  if (status === 404 || status === 409) alreadyDone();
  else if (status === 410) expired();
  else if (status === 401 || status === 403) wrong();
  else return false;
  return true;
}

function form() {
  const email = input({ type: "email", name: "email", autocomplete: "username", spellcheck: "false" });
  const name = input({ name: "name", autocomplete: "name" });
  const tenant = input({ name: "tenant_name", autocomplete: "organization" });
  const first = password({ name: "password", autocomplete: "new-password" });
  const again = password({ name: "confirm", autocomplete: "new-password" });
  const meter = h("p", { class: "hint", role: "status" });
  const told = () => {
    const left = PASSWORD_MIN - [...first.control.value].length;
    const words = left > 0 ? `${left} more to go` : "Long enough";
    if (first.control.value === "") fill(meter);
    else if (meter.textContent !== words) meter.textContent = words;
  };
  first.control.addEventListener("input", told);
  const passwordBox = withButton(field("password", "Password", first.control, `At least ${PASSWORD_MIN} characters. A few words in a row are easy to keep.`), first);
  passwordBox.append(meter);
  const node = h("form", { class: "gate-form", method: "post", action: "/setup" },
    h("header", {}, h("h1", {}, "Welcome"), h("p", { class: "quiet" }, "Two minutes and the desk is open. First, who looks after it?")),
    h("div", { "data-message": true }),
    field("tenant_name", "Organisation", tenant, "As customers know it. You can change it later."),
    field("name", "Your name", name), field("email", "E-mail", email), passwordBox,
    withButton(field("confirm", "Password again", again.control), again),
    h("button", { type: "submit", class: "button button-main button-wide" }, "Open the desk"));
  onSubmit(node, () => send(node, { email, name, tenant, first: first.control, again: again.control }));
  openGate(root, node);
  tenant.focus();
}

async function send(node, f) {
  const wrong = [
    [!f.name.value.trim(), "name", "Your name, please"],
    [!/^\S+@\S+$/.test(f.email.value.trim()), "email", "An e-mail address, such as you@example.com"],
    [[...f.first.value].length < PASSWORD_MIN, "password", `At least ${PASSWORD_MIN} characters`],
    [f.first.value !== f.again.value, "confirm", "The two passwords differ"],
  ].filter(([bad]) => bad);
  for (const [, name, words] of wrong) fieldError(node, name, words);
  if (wrong.length) return node.querySelector("[aria-invalid]").focus();
  const body = { token: token(), email: f.email.value.trim(), name: f.name.value.trim(), password: f.first.value };
  if (f.tenant.value.trim()) body.tenant_name = f.tenant.value.trim();
  try {
    await api.post("/setup", body, { quiet401: true });
  } catch (error) {
    if (aboutTheLink(error)) return undefined;
    throw error;
  }
  noteSignedIn(true);
  // The token is spent; the address with it should not stay in the history.
  location.replace("/admin");
  return undefined;
}

if (token()) form();
else noToken();
// A link pasted into the open page only changes the part behind `#`.
addEventListener("hashchange", () => token() && form());
