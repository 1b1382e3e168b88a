// Adds, changes, tests and takes away a telephone system in a dialog.

import { address, api, ApiError, newKey } from "../api.js";
import { ask, openDialog, refill } from "../dialog.js";
import { copyButton, fill, h, note, toast } from "../dom.js";
import { field, fieldError, input, onSubmit, password, showError, withButton } from "../form.js";

const KINDS = { ami: "An Asterisk, which we connect to", cti: "Another one, which posts its calls to us" };

function controls(pbx) {
  return {
    name: input({ value: pbx?.name ?? "", autocomplete: "off", maxlength: "100", dir: "auto", autofocus: true }),
    kind: h("select", { class: "input" }, Object.entries(KINDS).map(([value, words]) => h("option", { value }, words))),
    host: input({ value: pbx?.host ?? "", autocomplete: "off", maxlength: "253", spellcheck: "false" }),
    port: input({ value: pbx?.port ?? 5038, inputmode: "numeric", autocomplete: "off", maxlength: "5" }),
    username: input({ value: pbx?.username ?? "", autocomplete: "off", maxlength: "80", spellcheck: "false" }),
    secret: password({ autocomplete: "new-password", maxlength: "80", placeholder: pbx ? "unchanged" : "" }),
    channel: input({ value: pbx ? pbx.dial_channel ?? "" : "PJSIP/{extension}", autocomplete: "off", maxlength: "80", spellcheck: "false" }),
    context: input({ value: pbx?.dial_context ?? "", autocomplete: "off", maxlength: "80", spellcheck: "false", placeholder: "from-internal" }),
    active: h("input", { type: "checkbox", checked: pbx?.is_active ?? true }),
  };
}

function asteriskFields(c) {
  return [
    h("div", { class: "pair" }, field("host", "Host", c.host), field("port", "Port", c.port)),
    h("div", { class: "pair" }, field("username", "User", c.username, "As in its manager.conf"), withButton(field("secret", "Secret", c.secret.control), c.secret)),
    h("div", { class: "pair" }, field("dial_channel", "An agent's telephone", c.channel, "{extension} stands for theirs"), field("dial_context", "Numbers are dialled in", c.context, "A context of its dial plan")),
  ];
}

/** What the form says. */
function values(c, kind) {
  const both = { name: c.name.value.trim(), is_active: c.active.checked };
  if (kind === "cti") return both;
  const secret = c.secret.control.value;
  return {
    ...both,
    host: c.host.value.trim(),
    port: Number(c.port.value),
    username: c.username.value.trim(),
    dial_channel: c.channel.value.trim() || null,
    dial_context: c.context.value.trim() || null,
    ...(secret && { secret }),
  };
}

function complete(form, c, kind) {
  if (!c.name.value.trim()) fieldError(form, "name", "What is it called?");
  if (kind === "ami" && !/^\d{1,5}$/.test(c.port.value.trim())) fieldError(form, "port", "A number, such as 5038");
  form.querySelector("[aria-invalid]")?.focus();
  return !form.querySelector("[aria-invalid]");
}

/** The address to post to, once. */
function showToken(node, { name, token }) {
  const url = new URL(address(`/cti/${token}`), location.origin).href;
  refill(node, `${name} can post its calls`, [
    h("p", {}, "Enter this address there, as that of a Zammad (generic CTI):"),
    h("code", { class: "secret", tabindex: "0", "aria-label": "Address" }, url),
    h("div", { class: "row" }, copyButton(() => url, "Copy address", "")),
    h("p", { class: "small quiet" }, "Whoever has it can tell of calls. ", h("b", {}, "It is not shown again.")),
  ], [h("button", { type: "button", class: "button button-main", onclick: () => node.close() }, "Done")]);
}

/** Opens the form for a new one; `changed()` hears when it is there. */
export function addTelephone({ changed }) {
  const c = controls(null);
  const form = h("form");
  const own = asteriskFields(c);
  const kind = field("kind", "What is it?", c.kind);
  c.kind.addEventListener("change", () => {
    for (const pair of own) pair.hidden = c.kind.value !== "ami";
  });
  const node = openDialog({
    title: "Add a telephone system",
    wrap: (parts) => fill(form, parts),
    body: [h("div", { "data-message": true }), field("name", "Name", c.name), kind, own, h("label", { class: "check" }, c.active, " Use it")],
    foot: [h("button", { type: "button", class: "button", onclick: () => node.close() }, "Cancel"), h("button", { type: "submit", class: "button button-main" }, "Add")],
  });
  let once = { body: "", key: "" };
  onSubmit(form, async () => {
    if (!complete(form, c, c.kind.value)) return;
    const wish = { kind: c.kind.value, ...values(c, c.kind.value) };
    const body = JSON.stringify(wish);
    if (once.body !== body) once = { body, key: newKey() };
    const { data } = await api.post("/pbx", wish, { key: once.key });
    changed();
    if (data.token) showToken(node, data);
    else {
      node.close();
      toast(`${data.name} is being connected`);
    }
  });
}

function stale(error) {
  if (error.code !== "version_conflict") throw error;
  throw new ApiError(409, { message: "Somebody else changed it meanwhile. Close this, look at it again, and then change it." });
}

/** Opens the form of one that is there; `changed()` hears of what was done. */
export function editTelephone({ pbx, changed }) {
  const c = controls(pbx);
  const form = h("form");
  const path = `/pbx/${pbx.id}`;
  const found = h("div", { role: "status" });
  const attempt = (work) => async () => {
    try {
      await work();
    } catch (error) {
      showError(form, error);
    }
  };
  const test = attempt(async () => {
    fill(found, note("info", "Connecting…"));
    const { data } = await api.post(`${path}/test`);
    fill(found, data.success ? note("good", `It answers after ${data.response_time_ms} ms: ${data.software}.`) : note("bad", data.error));
    changed();
  });
  const rotate = attempt(async () => {
    if (!await ask({ title: "Make another address?", words: "The present one is of no use from then on.", yes: "Make another" })) return;
    const { data } = await api.post(`${path}/rotate-token`);
    changed();
    showToken(node, data);
  });
  const remove = attempt(async () => {
    if (!await ask({ title: `Take ${pbx.name} away?`, words: "Nothing is heard from it any more, and its calls that go on are ended. Calls of the past stay.", yes: "Take away" })) return;
    await api.delete(path);
    node.close();
    changed();
    toast(`${pbx.name} is gone`);
  });
  const ami = pbx.kind === "ami";
  const node = openDialog({
    title: pbx.name,
    wrap: (parts) => fill(form, parts),
    body: [h("div", { "data-message": true }), found, field("name", "Name", c.name), ami && asteriskFields(c), h("label", { class: "check" }, c.active, " Use it")],
    foot: [h("button", { type: "button", class: "button button-bad", onclick: remove }, "Take away"),
      h("button", { type: "button", class: "button", onclick: ami ? test : rotate }, ami ? "Test" : "New address"),
      h("button", { type: "submit", class: "button button-main" }, "Save")],
  });
  onSubmit(form, async () => {
    if (!complete(form, c, pbx.kind)) return;
    await api.patch(path, { ...values(c, pbx.kind), version: pbx.version }).catch(stale);
    node.close();
    changed();
    toast("Saved");
  });
}
