// Somebody with a link from an administrator chooses their password, for the first time or anew.

import { api, noteSignedIn } from "./api.js";
import { fill, h } from "./dom.js";
import { field, fieldError, onSubmit, password, withButton } from "./form.js";
import { openGate } from "./gate.js";

const PASSWORD_MIN = 8;

const root = document.getElementById("app");

/** What the link is for and its token, which stands behind `#`: browsers never send that. */
function link() {
  const said = new URLSearchParams(location.hash.slice(1));
  for (const kind of ["invite", "reset"]) if (said.get(kind)) return { kind, token: said.get(kind) };
  return null;
}

function page(title, words) {
  openGate(root, h("div", { class: "gate-form" }, h("header", {}, h("h1", {}, title), h("p", { class: "quiet" }, words)),
    h("a", { class: "button button-wide", href: "/admin" }, "Sign in")));
}

/** What the server's answer means for the link itself; false when it is about the field. */
function aboutTheLink({ status }) {
  if (status === 410) page("This link has ended", "Ask your administrator for a new one.");
  else if (status === 401 || status === 403) page("This link does not fit", "It works once, and perhaps it was used. Ask your administrator for a new one.");
  else return false;
  return true;
}

function form({ kind, token }) {
  const first = password({ name: "password", autocomplete: "new-password" });
  const again = password({ name: "confirm", autocomplete: "new-password" });
  const meter = h("p", { class: "hint", role: "status" });
  first.control.addEventListener("input", () => {
    const left = PASSWORD_MIN - [...first.control.value].length;
    fill(meter, left > 0 && first.control.value !== "" ? `${left} more to go` : "");
  });
  const box = withButton(field("password", "Password", first.control, `At least ${PASSWORD_MIN} characters. A few words in a row are easy to keep.`), first);
  box.append(meter);
  const words = kind === "invite" ? ["Welcome", "Choose a password, and you are in."] : ["A new start", "Choose another password. Wherever you are signed in, you are signed out."];
  const node = h("form", { class: "gate-form", method: "post", action: "/invite" },
    h("header", {}, h("h1", {}, words[0]), h("p", { class: "quiet" }, words[1])), h("div", { "data-message": true }), box,
    withButton(field("confirm", "Password again", again.control), again),
    h("button", { type: "submit", class: "button button-main button-wide" }, "Go in"));
  onSubmit(node, async () => {
    const wrong = [
      [[...first.control.value].length < PASSWORD_MIN, "password", `At least ${PASSWORD_MIN} characters`],
      [first.control.value !== again.control.value, "confirm", "The two passwords differ"],
    ].filter(([bad]) => bad);
    for (const [, name, words] of wrong) fieldError(node, name, words);
    if (wrong.length) return node.querySelector("[aria-invalid]").focus();
    try {
      await api.post(`/auth/${kind}/${encodeURIComponent(token)}`, { password: first.control.value }, { quiet401: true });
    } catch (error) {
      if (aboutTheLink(error)) return undefined;
      throw error;
    }
    noteSignedIn(true);
    // The token is spent; the address with it should not stay in the history.
    location.replace("/admin");
    return undefined;
  });
  openGate(root, node);
  first.control.focus();
}

function begin() {
  const given = link();
  if (given) form(given);
  else page("This link is not whole", "It ends in # and a long word. Open it exactly as you were given it.");
}

begin();
// A link pasted into the open page only changes the part behind `#`.
addEventListener("hashchange", () => link() && begin());
