// Makes or changes a webhook in a dialog; a new one's secret is shown once, and then never again.

import { api, ApiError } from "../api.js";
import { openDialog, refill } from "../dialog.js";
import { copyButton, h, note, toast } from "../dom.js";
import { EventPicker } from "../event-picker.js";
import { field, fieldError, input, onSubmit } from "../form.js";

const ORDERINGS = [["none", "As they fall due"], ["by_key", "In order for each ticket, user, article …"]];
const FORMATS = [["event", "event, tenant_id, timestamp, data"], ["message", "type, payload, timestamp"]];

/** The catalogue, asked for once; an empty one still lets people type. */
let catalogue = null;
async function eventTypes() {
  catalogue ??= api.get("/event-types").then(({ data }) => data ?? []).catch(() => {
    catalogue = null;
    return [];
  });
  return catalogue;
}

function number(name, value, min, max) {
  return input({ type: "number", name, value: String(value), min: String(min), max: String(max), step: "1", inputmode: "numeric" });
}

function controls(hook) {
  return {
    name: input({ name: "name", value: hook?.name ?? "", autocomplete: "off", maxlength: "100", autofocus: true }),
    url: input({ type: "url", name: "url", value: hook?.url ?? "", placeholder: "https://example.com/hooks/deskbell", autocomplete: "off", spellcheck: "false" }),
    retry_count: number("retry_count", hook?.retry_count ?? 3, 0, 20),
    timeout: number("timeout", hook?.timeout ?? 10, 1, 30),
    payload_format: h("select", { class: "input", name: "payload_format" }, FORMATS.map(([value, words]) => h("option", { value, selected: value === (hook?.payload_format ?? "event") }, words))),
    is_active: h("input", { type: "checkbox", name: "is_active", checked: hook?.is_active ?? true }),
    rate_limit: input({ type: "number", name: "rate_limit", value: String(hook?.rate_limit ?? ""), min: "1", max: "10000", step: "1", inputmode: "numeric", placeholder: "No limit" }),
    max_in_flight: number("max_in_flight", hook?.max_in_flight ?? 16, 1, 64),
    ordering: h("select", { class: "input", name: "ordering" }, ORDERINGS.map(([value, words]) => h("option", { value, selected: value === (hook?.ordering ?? "none") }, words))),
    headers: h("textarea", { class: "input", name: "headers", rows: "3", spellcheck: "false", placeholder: "X-Api-Key: value" }, headerLines(hook)),
    secret: input({ name: "secret", autocomplete: "off", spellcheck: "false", placeholder: "Leave empty to have a good one made" }),
  };
}

/** One header a line; values that are stored stand there as stars, and stay what they are. */
function headerLines(hook) {
  return Object.entries(hook?.headers ?? {}).map(([name, value]) => `${name}: ${value}`).join("\n");
}

/** The lines as an object; null when one is no header. */
function readHeaders(text) {
  const pairs = text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
  return pairs.every(([name]) => name) ? Object.fromEntries(pairs) : null;
}

function body(c, picker, hook) {
  return [
    h("div", { "data-message": true }),
    field("name", "Name", c.name),
    field("url", "Address", c.url, "Where events are posted. http or https."),
    picker.node,
    h("div", { class: "pair" },
      field("retry_count", "Retries", c.retry_count, "0 to 20 more tries, further and further apart"),
      field("timeout", "Time-out, seconds", c.timeout, "1 to 30")),
    field("payload_format", "Body", c.payload_format),
    hook ? null : field("secret", "Secret", c.secret, "Signs every delivery. You will see it once."),
    h("details", { class: "more" }, h("summary", {}, "Pace, order and headers"),
      h("div", { class: "pair" },
        field("rate_limit", "Deliveries a second", c.rate_limit, "1 to 10,000; more wait, none is lost"),
        field("max_in_flight", "At the same time", c.max_in_flight, "1 to 64, reached by answering well")),
      field("ordering", "Order", c.ordering),
      field("headers", "Headers of your own", c.headers, "One a line, at most 20. Values are kept encrypted and shown as stars.")),
    h("div", { class: "field", "data-field": "is_active" }, h("label", { class: "check" }, c.is_active,
      h("span", {}, "Active", h("small", { class: "hint" }, " While it is paused, deliveries are set aside.")))),
  ];
}

/** What the fields say; null after telling what is missing. */
function read(form, c, picker, hook) {
  const value = {
    name: c.name.value.trim(), url: c.url.value.trim(), events: picker.get(),
    retry_count: Number(c.retry_count.value), timeout: Number(c.timeout.value),
    payload_format: c.payload_format.value, is_active: c.is_active.checked,
    rate_limit: c.rate_limit.value === "" ? null : Number(c.rate_limit.value),
    max_in_flight: Number(c.max_in_flight.value), ordering: c.ordering.value, headers: readHeaders(c.headers.value),
  };
  if (!hook && c.secret.value) value.secret = c.secret.value;
  if (hook?.version !== undefined) value.version = hook.version;
  const wrong = [
    [!value.name, "name", "Give it a name"],
    [!/^https?:\/\/./i.test(value.url) && !value.url.startsWith("/"), "url", "An address that begins with https:// or http://"],
    [!value.events.length, "events", "Choose at least one kind of event"],
    [!whole(value.retry_count, 0, 20), "retry_count", "A whole number from 0 to 20"],
    [!whole(value.timeout, 1, 30), "timeout", "A whole number from 1 to 30"],
    [value.rate_limit !== null && !whole(value.rate_limit, 1, 10_000), "rate_limit", "A whole number from 1 to 10,000, or nothing"],
    [!whole(value.max_in_flight, 1, 64), "max_in_flight", "A whole number from 1 to 64"],
    [!value.headers, "headers", "Each line is a name, a colon and a value"],
  ].filter(([bad]) => bad);
  for (const [, name, words] of wrong) fieldError(form, name, words);
  form.querySelector("[aria-invalid]")?.focus();
  return wrong.length ? null : value;
}

const whole = (n, min, max) => Number.isInteger(n) && n >= min && n <= max;

/** Opens the form; without `hook` for a new one. `done(hook)` hears the result. */
export async function editWebhook({ hook = null, done }) {
  const types = await eventTypes();
  const c = controls(hook);
  const picker = new EventPicker(types, hook?.events ?? []);
  const form = h("form", { method: "post", action: "/admin/webhooks" });
  const node = openDialog({
    title: hook ? `Edit ${hook.name}` : "New webhook",
    body: body(c, picker, hook),
    foot: [h("button", { type: "button", class: "button", onclick: () => node.close() }, "Cancel"),
      h("button", { type: "submit", class: "button button-main" }, hook ? "Save" : "Create webhook")],
    wrap: (parts) => {
      form.append(...parts);
      return form;
    },
  });
  onSubmit(form, async () => {
    const value = read(form, c, picker, hook);
    if (!value) return;
    const { data } = hook ? await api.patch(`/webhooks/${hook.id}`, value).catch(stale) : await api.post("/webhooks", value);
    if (hook) {
      node.close();
      toast("Saved");
      done(data);
      return;
    }
    showSecret(node, data, value.secret);
    node.addEventListener("close", () => done(data));
  });
}

function stale(error) {
  if (error.code !== "version_conflict") throw error;
  throw new ApiError(409, { message: "Somebody else changed this webhook meanwhile. Close this, look at it again, and then change it." });
}

function showSecret(node, hook, given) {
  const secret = hook.secret ?? given;
  const close = h("button", { type: "button", class: "button button-main", onclick: () => node.close() }, "I have kept it");
  refill(node, `${hook.name} is ready`, [
    hook.warning && note("warn", hook.warning),
    h("p", {}, "This is the secret that signs every delivery. Keep it where your receiver finds it: ", h("b", {}, "it is not shown again.")),
    h("code", { class: "secret", tabindex: "0", "aria-label": "Secret" }, secret ?? "–"),
    h("div", { class: "row" }, copyButton(() => secret ?? "", "Copy secret", "")),
    h("p", { class: "small quiet" }, "Receivers check the header X-Webhook-Signature (HMAC-SHA256 of the body) or the Standard Webhooks headers."),
  ], [close]);
}
