// What somebody wants to be told: one switch a kind of notification, kept as soon as it is turned.

import { api, sentence } from "../api.js";
import { empty, fill, h, note } from "../dom.js";
import { may } from "../roles.js";

/** `[type, words, words for customers]`; without the third, customers are never told. */
const GROUPS = [
  ["Tickets", "agent", [
    ["ticket_created", "A ticket was opened", "Somebody opened a request for me"],
    ["ticket_assigned", "A ticket was assigned to me"],
    ["ticket_unassigned", "A ticket was taken from me"],
    ["ticket_updated", "A ticket of mine, or that I follow, changed", "My request changed"],
    ["ticket_merged", "A ticket was merged into another", "My request was merged into another"],
    ["ticket_deleted", "A ticket was deleted", "My request was deleted"],
    ["sla_warning", "A promised time is near"],
    ["sla_breached", "A promised time has passed"],
  ]],
  ["Conversations", "agent", [
    ["comment_on_ticket", "A new public comment", "A new answer"],
    ["internal_note_on_ticket", "A new internal note"],
    ["mention", "Somebody mentioned me", "Somebody mentioned me"],
    ["comment_updated", "A comment was edited", "An answer was edited"],
    ["comment_deleted", "A comment was deleted", "An answer was deleted"],
    ["chat_assigned", "A chat was assigned to me"],
    ["chat_message", "A new chat message"],
    ["call_missed", "A call was missed"],
  ]],
  ["Files", "agent", [
    ["attachment_added", "A file was added", "A file was added"],
    ["attachment_updated", "A file was renamed", "A file was renamed"],
    ["attachment_deleted", "A file was deleted", "A file was deleted"],
  ]],
  ["Knowledge base", "agent", [
    ["kb_article_created", "An article was written"],
    ["kb_article_updated", "An article changed"],
    ["kb_article_published", "An article was published"],
    ["kb_article_deleted", "An article was deleted"],
  ]],
  ["Supervision", "supervisor", [
    ["agent_state_overdue", "An agent's reason lasts for too long"],
  ]],
  ["Administration", "admin", [
    ["user_created", "An account was made"],
    ["user_updated", "An account changed"],
    ["user_deleted", "An account was closed"],
    ["webhook_failing", "A webhook keeps failing"],
    ["webhook_disabled", "A webhook was switched off"],
  ]],
];
const OWN = [
  ["agent_state_forced", "Somebody else chose my state"],
  ["own_actions", "What I did myself", "What I did myself"],
];
/** Off unless chosen; all others are on. */
const OFF_AT_FIRST = new Set(["own_actions"]);

function choices(user) {
  const staff = may(user, "agent");
  const fit = ([, , forCustomers]) => staff || forCustomers;
  return [...GROUPS, ["Myself", "agent", OWN]]
    .filter(([, role]) => !staff || may(user, role))
    .map(([name, , all]) => [name, all.filter(fit).map(([type, words, mine]) => [type, staff ? words : mine])])
    .filter(([, all]) => all.length);
}

function mount(root, { user, signal }) {
  const says = h("p", { class: "small quiet", role: "status" });
  const trouble = h("div");
  const box = h("div", { class: "prefs" });
  root.append(h("header", { class: "page-head" }, h("div", {}, h("h1", {}, "Notifications"), h("p", {}, "What the bell rings for. A switch works at once.")), says), trouble, box);
  fill(box, h("div", { class: "card" }, empty("One moment", "Reading your choices…")));

  const save = async (input) => {
    const chosen = input.checked;
    says.textContent = "Saving…";
    try {
      await api.patch("/auth/me", { notify_prefs: { [input.name]: chosen } }, { signal });
      says.textContent = "Saved";
      fill(trouble);
    } catch (error) {
      if (signal.aborted) return;
      input.checked = !chosen;
      says.textContent = "";
      fill(trouble, note("bad", sentence(error)));
    }
  };
  const draw = (prefs) => fill(box, choices(user).map(([name, all]) => h("fieldset", { class: "card" }, h("legend", {}, name),
    all.map(([type, words]) => h("label", { class: "check" },
      h("input", { type: "checkbox", name: type, checked: prefs[type] ?? !OFF_AT_FIRST.has(type), onchange: ({ target }) => save(target) }),
      h("span", {}, words))))));
  api.get("/auth/me", { signal }).then(({ data }) => draw(data.notify_prefs ?? {}), (error) => {
    if (signal.aborted) return;
    fill(box);
    fill(trouble, note("bad", sentence(error)));
  });
}

export default { title: "Notifications", mount };
