// Whose matter a ticket is, and who else wants to know.

import { api, sentence } from "../api.js";
import { dialable } from "../calls/dial.js";
import { directory } from "../directory.js";
import { fill, h, icon, note, toast } from "../dom.js";
import { personPicker } from "../picker.js";
import { avatar, nameOf, people } from "../people.js";

/** The card of the one who asks. */
export class Requester {
  #shown = null;

  constructor(one, signal) {
    this.one = one;
    this.signal = signal;
    this.body = h("div", { class: "stack-s" });
    this.node = h("section", { class: "card card-pad", "aria-label": "Requester" }, h("h2", { class: "side-title" }, icon("people", 17), "Requester"), this.body);
    one.addEventListener("changed", () => this.draw(), { signal });
    this.draw();
  }

  async draw() {
    const { requester_id: id } = this.one.ticket;
    if (id === this.#shown) return;
    this.#shown = id;
    const show = (user) => fill(this.body,
      h("div", { class: "person" }, avatar(user.name), h("span", {}, h("b", {}, h("bdi", {}, user.name)), user.email && h("small", {}, h("bdi", {}, user.email)))),
      user.phone && h("p", { class: "small" }, dialable(user.phone, { who: user.name })),
      user.is_active === false && h("p", { class: "small quiet" }, "This account is closed."),
      h("a", { class: "small", href: `/admin/tickets?requester=${id}&sort=-created_at` }, "All their tickets"),
      h("a", { class: "small", href: `/admin/calls?customer=${id}` }, "All their calls"));
    show({ name: nameOf(id) });
    try {
      const { data } = await api.get(`/users/${id}`, { signal: this.signal });
      if (id === this.#shown) show(data);
    } catch (error) {
      if (!this.signal.aborted && error.status !== 404) this.body.append(note("bad", sentence(error)));
    }
  }
}

/** The card of the followers. */
export class Followers {
  constructor(one, signal) {
    this.one = one;
    this.list = h("ul", { class: "followers" });
    this.trouble = h("div", { "aria-live": "polite" });
    this.me = h("button", { type: "button", class: "button button-s" });
    this.me.addEventListener("click", () => this.#do(this.#follows() ? "unfollow" : "follow", one.user.id));
    this.picker = personPicker({ label: "Add a follower", picked: (user) => this.#do("follow", user.id), signal });
    this.picker.control.placeholder = "Add somebody";
    this.node = h("section", { class: "card card-pad", "aria-label": "Followers" },
      h("div", { class: "side-title" }, icon("eye", 17), h("h2", {}, "Followers"), h("span", { class: "push" }, this.me)), this.list, this.picker.box, this.trouble);
    one.addEventListener("changed", () => this.draw(), { signal });
    people.addEventListener("learned", () => this.draw(), { signal });
    this.draw();
  }

  #follows() {
    return this.one.ticket.followers.includes(this.one.user.id);
  }

  draw() {
    const { ticket, isGone } = this.one;
    const over = isGone || Boolean(ticket.merged_into_id);
    directory.look(ticket.followers);
    fill(this.me, this.#follows() ? "Unfollow" : "Follow");
    this.me.disabled = over;
    this.picker.box.hidden = over;
    fill(this.list, ticket.followers.map((id) => h("li", {}, avatar(nameOf(id)), h("bdi", {}, nameOf(id)), !over && h("button", {
      type: "button", class: "button button-s button-plain button-icon push", "aria-label": `Remove ${nameOf(id)} from the followers`, title: "Remove",
      onclick: () => this.#do("unfollow", id),
    }, icon("close", 14)))));
    this.list.hidden = ticket.followers.length === 0;
  }

  async #do(deed, id) {
    try {
      await this.one.act(deed, { user_id: id });
      fill(this.trouble);
      if (id === this.one.user.id) toast(deed === "follow" ? "You follow this ticket" : "You no longer follow this ticket");
    } catch (error) {
      if (!this.one.signal.aborted) fill(this.trouble, note("bad", sentence(error), ...Object.values(error.fields)));
    }
  }
}
