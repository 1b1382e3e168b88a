// Signing in: e-mail and password, and the organisation only when the server has to ask.

import { api } from "../api.js";
import { h } from "../dom.js";
import { field, fieldError, input, onSubmit, password, showMessage, withButton } from "../form.js";
import { openGate } from "../gate.js";

/** Shows the form in `root`; `message` is `[tone, words]`, `greeting` a line, `aside` a link, `done()` is called with the session open. */
export function signIn(root, { message, greeting, aside, done }) {
  const email = input({ type: "email", name: "email", autocomplete: "username", required: true, autofocus: true, spellcheck: "false" });
  const secret = password({ name: "password", autocomplete: "current-password", required: true });
  const tenant = input({ name: "tenant", autocomplete: "organization", spellcheck: "false" });
  const tenantBox = field("tenant", "Organisation", tenant, "This e-mail address belongs to several. Which one do you want?");
  tenantBox.hidden = true;
  const form = h("form", { class: "gate-form", method: "post", action: location.pathname },
    h("header", {}, h("h1", {}, "Sign in"), h("p", { class: "quiet" }, greeting)),
    h("div", { "data-message": true }),
    field("email", "E-mail", email),
    withButton(field("password", "Password", secret.control), secret),
    tenantBox,
    h("button", { type: "submit", class: "button button-main button-wide" }, "Sign in"),
    aside && h("p", { class: "small" }, h("a", { href: aside[0] }, aside[1])));
  onSubmit(form, async () => {
    const missing = [[email, "Your e-mail address, please"], [secret.control, "Your password, please"]].filter(([control]) => !control.value.trim());
    for (const [control, words] of missing) fieldError(form, control.name, words);
    if (missing.length) return missing[0][0].focus();
    const body = { email: email.value.trim(), password: secret.control.value };
    if (!tenantBox.hidden && tenant.value.trim()) body.tenant = tenant.value.trim();
    try {
      await api.post("/auth/login", body, { quiet401: true });
    } catch (error) {
      if (error.code !== "tenant_required") throw error;
      const asked = !tenantBox.hidden;
      tenantBox.hidden = false;
      if (asked) fieldError(form, "tenant", "Name the organisation");
      return tenant.focus();
    }
    return done();
  });
  openGate(root, form);
  if (message) showMessage(form, ...message);
  email.focus();
}
