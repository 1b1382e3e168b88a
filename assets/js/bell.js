// The bell: a button with the number of unread notifications, the panel it opens, and what rings.

import { sentence } from "./api.js";
import { empty, fill, h, icon, note } from "./dom.js";
import { Keyed } from "./keyed.js";
import { home, pathOf } from "./links.js";
import { Notices } from "./notices.js";
import { openRings } from "./rings.js";
import { about, sign, told } from "./sign.js";
import { since } from "./time.js";
import { countInTitle } from "./title.js";

/** The badge shows no more than this. */
const BADGE_MAX = 99;

const words = (count) => (count === 0 ? "none unread" : `${count} unread`);

/** The bell of one signed-in person, until `signal` aborts. */
export class Bell {
  #buttons = [];
  #opener = null;
  #signal;

  constructor(user, signal) {
    this.user = user;
    this.#signal = signal;
    this.notices = new Notices(signal);
    this.panel = this.#panel();
    this.notices.addEventListener("changed", () => this.#draw(), { signal });
    this.rings = openRings(user, this.notices, signal);
    this.notices.addEventListener("arrived", ({ detail }) => {
      if (this.panel.hidden) this.rings.show(detail);
    }, { signal });
    signal.addEventListener("abort", () => countInTitle(0));
    document.addEventListener("pointerdown", ({ target }) => this.#outside(target), { signal });
  }

  /** A button that opens the panel; there may be several, on screens of different sizes. */
  button() {
    const badge = h("span", { class: "bell-count", hidden: true, "aria-hidden": "true" });
    const node = h("button", {
      type: "button", class: "button button-plain button-icon bell-button", "aria-expanded": "false", "aria-controls": "bell-panel",
      "aria-label": "Notifications", onclick: () => (this.panel.hidden ? this.open(node) : this.close()),
    }, icon("bell", 20), badge);
    this.#buttons.push({ node, badge });
    this.#draw();
    return node;
  }

  /** Opens the panel, which takes the focus. */
  open(opener) {
    this.#opener = opener;
    this.panel.hidden = false;
    this.rings.clear();
    this.#expanded(true);
    if (!this.notices.loaded) this.notices.read();
    this.#draw();
    this.panel.focus();
  }

  /** Closes it; the focus goes back to the bell if it was inside. */
  close() {
    if (this.panel.hidden) return;
    const back = this.panel.contains(document.activeElement);
    this.panel.hidden = true;
    this.#expanded(false);
    // The bell that opened it may be of another size of screen than there is now.
    const bells = [this.#opener, ...this.#buttons.map(({ node }) => node)];
    if (back) bells.find((node) => node.checkVisibility({ visibilityProperty: true }))?.focus();
  }

  #expanded(open) {
    for (const { node } of this.#buttons) node.setAttribute("aria-expanded", String(open));
  }

  #outside(target) {
    if (this.panel.hidden || this.panel.contains(target)) return;
    if (!this.#buttons.some(({ node }) => node.contains(target))) this.close();
  }

  #panel() {
    this.trouble = h("div");
    this.list = h("ul", { class: "notices", "aria-label": "Newest notifications" });
    this.rows = new Keyed(this.list, (one) => this.#row(one));
    this.foot = h("div", { class: "bell-foot" });
    this.all = h("button", { type: "button", class: "button button-plain button-s", onclick: () => this.#try(() => this.notices.markAllRead()) }, icon("check", 15), "Mark all read");
    this.more = h("button", { type: "button", class: "button button-s", onclick: () => this.notices.read() }, "Show older");
    this.blank = h("div");
    const panel = h("section", { id: "bell-panel", class: "bell-panel", role: "dialog", "aria-labelledby": "bell-title", tabindex: "-1", hidden: true },
      h("header", { class: "bell-head" }, h("h2", { id: "bell-title" }, "Notifications"), this.all,
        h("a", { class: "button button-plain button-icon", href: `${home(this.user)}/notifications`, "aria-label": "Choose what you are told", title: "Choose what you are told" }, icon("tune")),
        h("button", { type: "button", class: "button button-plain button-icon", "aria-label": "Close", onclick: () => this.close() }, icon("close"))),
      this.trouble, h("div", { class: "bell-scroll" }, this.list, this.blank, this.foot));
    panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close();
    });
    panel.addEventListener("click", ({ target }) => target.closest("a[href]") && this.close());
    return panel;
  }

  #draw() {
    const { unread, list, loading, error, loaded, more } = this.notices;
    for (const { node, badge } of this.#buttons) {
      badge.hidden = !unread;
      badge.textContent = unread > BADGE_MAX ? `${BADGE_MAX}+` : String(unread ?? "");
      node.setAttribute("aria-label", unread === null ? "Notifications" : `Notifications, ${words(unread)}`);
    }
    countInTitle(unread ?? 0);
    if (this.panel.hidden) return;
    this.all.disabled = !unread;
    fill(this.trouble, error && note("bad", sentence(error)));
    this.rows.draw(list);
    fill(this.foot, more && this.more);
    const nothing = loaded && !list.length;
    fill(this.blank, nothing && empty("All quiet", "When something concerns you, it rings here."),
      loading && !list.length && h("p", { class: "quiet bell-wait", role: "status" }, "One moment…"));
  }

  #row(one) {
    const to = pathOf(one, this.user);
    const read = () => !one.read_at && this.#try(() => this.notices.markRead(one.id));
    const label = to ? h("a", { class: "clamped", href: to, onclick: read }, told(one)) : h("span", { class: "clamped" }, told(one));
    return h("li", { class: one.read_at ? "notice" : "notice unread" }, sign(one),
      h("div", { class: "notice-words" },
        h("p", {}, !one.read_at && h("span", { class: "visually-hidden" }, "Unread: "), label),
        about(one) && h("p", { class: "notice-by" }, about(one)),
        h("p", { class: "notice-by" }, one.actor_name && h("span", {}, one.actor_name), h("span", {}, since(one.created_at, "", " ago"))),
        h("details", { class: "why" }, h("summary", {}, "Why did I get this?"), h("p", {}, one.why))),
      h("div", { class: "notice-does" },
        !one.read_at && h("button", { type: "button", class: "button button-plain button-icon", "aria-label": `Mark as read: ${one.message}`, title: "Mark as read", onclick: read }, icon("check", 16)),
        h("button", { type: "button", class: "button button-plain button-icon", "aria-label": `Delete: ${one.message}`, title: "Delete", onclick: () => this.#try(() => this.notices.remove(one.id)) }, icon("bin", 16))));
  }

  async #try(work) {
    try {
      await work();
    } catch (error) {
      if (!this.#signal.aborted) fill(this.trouble, note("bad", sentence(error)));
    }
  }
}
