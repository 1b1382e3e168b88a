// What is done to a webhook beside changing it: another secret, sending again, code for receivers.

import { api, sentence } from "../api.js";
import { openDialog, refill } from "../dialog.js";
import { copyButton, fill, h, note } from "../dom.js";
import { field, fieldError, input, onSubmit } from "../form.js";
import { snippets } from "../snippets.js";
import { count, moment } from "../time.js";

const LOOK_MS = 500;
/** States that can be sent again, and whether they are unless chosen otherwise. */
const STATES = [["held", "set aside", true], ["failed", "failed", true], ["expired", "expired", true], ["cancelled", "cancelled", false], ["delivered", "delivered already", false]];

/** A dialog around a form. */
function formDialog(title, body, yes) {
  const form = h("form", { method: "post", action: "/admin/webhooks" });
  const node = openDialog({
    title,
    body: [body, h("div", { "data-message": "" })],
    foot: [h("button", { type: "button", class: "button", onclick: () => node.close() }, "Cancel"), h("button", { type: "submit", class: "button button-main" }, yes)],
    wrap: (parts) => {
      form.append(...parts);
      return form;
    },
  });
  return { node, form };
}

const done = (node, words) => h("button", { type: "button", class: "button button-main", onclick: () => node.close() }, words);

/** Makes another secret; the old one goes on for as long as is chosen. */
export function rotateSecret(hook) {
  const hours = h("select", { class: "input" }, [[24, "for a day"], [1, "for an hour"], [168, "for a week"], [0, "not at all: it may have leaked"]].map(([n, words]) => h("option", { value: n }, words)));
  const { node, form } = formDialog(`Another secret for ${hook.name}`, [
    h("p", {}, "Until the old one ends, deliveries are signed with both, so that nothing is lost while you bring the new one to your receiver."),
    field("keep_hours", "Keep the old one", hours),
  ], "Make another secret");
  onSubmit(form, async () => {
    const { data } = await api.post(`/webhooks/${hook.id}/rotate-secret`, { keep_hours: Number(hours.value) });
    refill(node, "The new secret", [
      h("p", {}, "Keep it where your receiver finds it: ", h("b", {}, "it is not shown again.")),
      h("code", { class: "secret", tabindex: "0", "aria-label": "Secret" }, data.secret),
      h("div", { class: "row" }, copyButton(() => data.secret, "Copy secret", "")),
      h("p", { class: "small quiet" }, data.old_until ? ["The old one goes on until ", moment(data.old_until), "."] : "The old one has ended."),
    ], [done(node, "I have kept it")]);
  });
}

/** `2026-01-31T13:05` of a moment, in local time, as the browser's field wants it. */
function local(at) {
  const two = (n) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** Sends many again: counts first, then makes the job and shows how far it is. */
export function replay(hook, { signal, changed }) {
  const since = input({ type: "datetime-local", value: local(new Date(Date.now() - 24 * 3_600_000)) });
  const until = input({ type: "datetime-local", value: "" });
  const events = input({ placeholder: "all kinds", spellcheck: "false", autocomplete: "off" });
  const boxes = STATES.map(([state, words, on]) => [state, h("label", { class: "check" }, h("input", { type: "checkbox", name: `state-${state}`, checked: on }), h("span", {}, words))]);
  const counted = h("div", { role: "status" });
  const { node, form } = formDialog(`Send again to ${hook.name}`, [
    h("div", { class: "pair" }, field("since", "Events since", since), field("until", "Until", until, "Empty: until now")),
    field("events", "Kinds of events", events, "Apart by commas: order.*, ticket.created"),
    h("fieldset", { class: "field", "data-field": "states" }, h("legend", { class: "label" }, "Deliveries that were"), h("div", { class: "row" }, boxes.map(([, box]) => box))),
    counted,
  ], "Count them");
  const button = form.querySelector("[type=submit]");
  let counts = false;
  const forget = () => {
    counts = false;
    fill(counted);
    fill(button, "Count them");
  };
  form.addEventListener("input", forget);
  const wish = () => {
    const time = (control) => (control.value ? new Date(control.value).toISOString() : undefined);
    const kinds = events.value.split(",").map((name) => name.trim()).filter(Boolean);
    const states = boxes.filter(([, box]) => box.querySelector("input").checked).map(([state]) => state);
    return { since: time(since), until: time(until), states, ...(kinds.length && { events: kinds }) };
  };
  onSubmit(form, async () => {
    const value = wish();
    if (!value.since) return fieldError(form, "since", "Choose a time");
    if (!counts) {
      const { data } = await api.post(`/webhooks/${hook.id}/replay`, { ...value, dry_run: true });
      const gone = data.data_gone ? ` ${count(data.data_gone)} more have lost their data and cannot be.` : "";
      fill(counted, note(data.count ? "info" : "warn", data.count ? `${count(data.count)} deliveries would be sent again.${gone}` : `There is nothing to send again.${gone}`));
      counts = data.count > 0;
      fill(button, counts ? `Send ${count(data.count)} again` : "Count them");
      return undefined;
    }
    const { data } = await api.post(`/webhooks/${hook.id}/replay`, value);
    changed();
    return progress(node, data, { signal, changed });
  });
}

async function progress(node, job, { signal, changed }) {
  const bar = h("progress", { max: 1, value: 0, "aria-label": "How far it is" });
  const words = h("p", { role: "status" });
  const says = h("div");
  const stop = h("button", { type: "button", class: "button button-bad" }, "Stop");
  stop.addEventListener("click", () => api.delete(`/replays/${job.id}`).catch((error) => fill(says, note("bad", sentence(error)))));
  refill(node, "Sending again", [bar, words, says], [stop, done(node, "Close")]);
  let open = true;
  node.addEventListener("close", () => { open = false; });
  for (let now = job; open && !signal.aborted;) {
    bar.value = now.state === "done" ? 1 : now.progress ?? 0;
    fill(words, `${count(now.queued)} of ${count(now.total)} put back into the queue${now.data_gone ? `, ${count(now.data_gone)} have lost their data` : ""}.`);
    if (now.state !== "running") {
      fill(says, note(now.state === "done" ? "good" : "warn", now.state === "done" ? "All of them are in the queue: the log shows them arrive." : "Stopped. What is in the queue already is sent."));
      stop.remove();
      changed();
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    now = (await api.get(`/replays/${job.id}`, { signal }).catch(() => ({ data: now }))).data;
  }
}

/** Code for the receiver, one language at a time. */
export function showCode(hook) {
  const all = snippets(hook.payload_format);
  const pre = h("pre", { tabindex: "0" });
  let shown;
  const tabs = all.map(({ name, code }) => {
    const tab = h("button", { type: "button", class: "family", "aria-pressed": "false" }, name);
    tab.addEventListener("click", () => show(tab, name, code));
    return tab;
  });
  const show = (tab, name, code) => {
    for (const other of tabs) other.setAttribute("aria-pressed", String(other === tab));
    shown = code;
    pre.setAttribute("aria-label", `Code in ${name}`);
    fill(pre, code);
  };
  show(tabs[0], all[0].name, all[0].code);
  const node = openDialog({
    title: "Check deliveries",
    body: [
      h("p", {}, "Check before you parse, over the bytes as they came. Each of these needs nothing but what the language brings along, Rust four crates; the Standard Webhooks libraries do the same."),
      h("div", { class: "families", role: "group", "aria-label": "Language" }, tabs),
      h("div", { class: "code" }, pre, copyButton(() => shown)),
    ],
    foot: [h("button", { type: "button", class: "button button-main", onclick: () => node.close() }, "Close")],
  });
}
