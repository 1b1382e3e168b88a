// What may be done with a ticket as a whole: macros, merging, reopening, deleting, restoring.

import { api, sentence } from "../api.js";
import { ask, openDialog } from "../dialog.js";
import { fill, h, icon, note, toast } from "../dom.js";
import { field, fieldError, input, onSubmit } from "../form.js";
import { may } from "../pages/index.js";
import { statusBadge } from "./words.js";

const PAGE = 200;

function button(sign, words, work, className = "") {
  return h("button", { type: "button", class: `button ${className}`, onclick: work }, icon(sign, 16), words);
}

/** Chooses a macro: its changes are made, its text is put where the answer is written. */
async function applyMacro(one, thread) {
  const list = h("ul", { class: "macros" }, h("li", { class: "quiet" }, "Reading…"));
  const node = openDialog({ title: "Apply a macro", body: [h("p", { class: "quiet" }, "Its changes are made at once. Its text waits in the answer until you send it."), list] });
  const apply = async (id) => {
    try {
      const { data } = await api.post(`/tickets/${one.ticket.id}/macros/${id}`);
      one.put(data.ticket);
      node.close();
      thread.compose.suggest(data.text);
      toast("Macro applied");
    } catch (error) {
      fill(list, h("li", {}, note("bad", sentence(error))));
    }
  };
  try {
    const { data } = await api.get(`/macros?per_page=${PAGE}`);
    fill(list, data.length
      ? data.map((macro) => h("li", {}, h("button", { type: "button", class: "macro", onclick: () => apply(macro.id) }, h("b", {}, h("bdi", {}, macro.name)), macro.text && h("small", {}, h("bdi", {}, macro.text.slice(0, 140))))))
      : h("li", { class: "quiet" }, "There are no macros yet. They are made with POST /api/v1/macros."));
    list.querySelector("button")?.focus();
  } catch (error) {
    fill(list, h("li", {}, note("bad", sentence(error))));
  }
}

/** Asks for the ticket that takes over, and shows it before anything is done. */
function merge(one) {
  const number = input({ inputmode: "numeric", placeholder: "12", autocomplete: "off", autofocus: true });
  const preview = h("div", { "aria-live": "polite" });
  let target = null;
  const form = h("form");
  const node = openDialog({
    title: `Merge ticket #${one.ticket.number}`,
    wrap: (parts) => fill(form, parts),
    body: [h("p", {}, "This ticket is closed for good and points to another one, where the conversation goes on."), h("div", { "data-message": true }), field("into", "Number of the other ticket", number), preview],
    foot: [h("button", { type: "button", class: "button", onclick: () => node.close() }, "Cancel"), h("button", { type: "submit", class: "button button-main" }, "Look at it")],
  });
  const submit = form.querySelector("[type=submit]");
  number.addEventListener("input", () => {
    target = null;
    fill(preview);
    submit.textContent = "Look at it";
  });
  onSubmit(form, async () => {
    const wanted = number.value.trim().replace(/^#/, "");
    if (!/^\d+$/.test(wanted)) return void fieldError(form, "into", "A number, such as 12");
    if (target) {
      await one.act("merge", { into: target.id, version: one.ticket.version });
      node.close();
      return void toast("Merged");
    }
    try {
      ({ data: target } = await api.get(`/tickets/${wanted}`));
    } catch (error) {
      if (error.status !== 404) throw error;
      return void fieldError(form, "into", "There is no such ticket");
    }
    fill(preview, h("p", {}, `#${target.number} `, h("b", {}, h("bdi", {}, target.subject)), " ", statusBadge(target.status)),
      target.requester_id !== one.ticket.requester_id && note("warn", "The other ticket is somebody else's matter: this one's requester will not see it."));
    submit.textContent = `Merge into #${target.number}`;
    return undefined;
  });
}

/** The row of buttons above a ticket. */
export function deeds(one, { thread, facts, signal }) {
  const row = h("div", { class: "row ticket-deeds", role: "group", "aria-label": "Actions" });
  const trouble = h("div", { "aria-live": "polite" });
  const run = (work, done) => async () => {
    try {
      await work();
      fill(trouble);
      toast(done);
    } catch (error) {
      if (!signal.aborted) fill(trouble, note("bad", sentence(error)));
    }
  };
  const remove = async () => {
    if (!(await ask({ title: `Delete ticket #${one.ticket.number}?`, words: "It leaves every list. Supervisors can restore it.", yes: "Delete ticket" }))) return;
    await run(async () => one.put((await api.delete(`/tickets/${one.ticket.id}`)).data), "Deleted")();
  };
  const buttons = {
    macro: button("send", "Macro", () => applyMacro(one, thread)),
    merge: button("merge", "Merge", () => merge(one)),
    reopen: button("again", "Reopen", run(() => one.act("reopen"), "Reopened"), "button-main"),
    restore: button("again", "Restore", run(() => one.act("restore"), "Restored"), "button-main"),
    remove: button("bin", "Delete", remove, "button-bad"),
  };
  const draw = () => {
    const { ticket, isGone } = one;
    const merged = Boolean(ticket.merged_into_id);
    const over = ["resolved", "closed"].includes(ticket.status);
    buttons.macro.hidden = isGone || merged || ticket.status === "closed";
    buttons.merge.hidden = isGone || merged;
    buttons.reopen.hidden = isGone || merged || !over;
    buttons.restore.hidden = !isGone || !may(one.user, "supervisor");
    buttons.remove.hidden = isGone || !may(one.user, "supervisor");
  };
  // On a small screen the facts stand below the conversation.
  const down = button("down", "Facts", () => {
    facts.node.scrollIntoView();
    facts.node.querySelector("select").focus({ preventScroll: true });
  }, "only-small");
  fill(row, down, buttons.reopen, buttons.restore, buttons.macro, buttons.merge, buttons.remove);
  one.addEventListener("changed", draw, { signal });
  draw();
  return h("div", { class: "stack-s" }, row, trouble);
}
