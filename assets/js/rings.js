// What rings: small cards in the corner that say what somebody was just told, and go by themselves.

import { h, icon } from "./dom.js";
import { pathOf } from "./links.js";
import { about, sign, told } from "./sign.js";

/** Cards at a time: a fourth sends the oldest away. */
const CARDS_MAX = 3;
/** How long a card stays; not counted while a pointer or the focus is on the cards. */
const STAY_MS = 7_000;
/** More than this at once, as after a break, are told in one card. */
const ONE_BY_ONE_MAX = 3;

/** The corner where `notices` ring for `user`: `{show(notifications), clear()}`. Gone when `signal` aborts. */
export function openRings(user, notices, signal) {
  const box = h("div", { class: "ring-cards", role: "log", "aria-live": "polite", "aria-label": "New notifications" });
  document.body.append(box);
  const cards = new Set();
  const held = () => box.matches(":hover") || box.contains(document.activeElement);

  const drop = (card) => {
    clearTimeout(card.timer);
    cards.delete(card);
    card.node.remove();
  };
  const wait = (card) => {
    clearTimeout(card.timer);
    if (!held()) card.timer = setTimeout(() => drop(card), STAY_MS);
  };
  const waitAll = () => cards.forEach(wait);
  for (const name of ["pointerenter", "focusin"]) box.addEventListener(name, () => cards.forEach(({ timer }) => clearTimeout(timer)));
  // When the focus leaves, the new place of it is known only a moment later.
  for (const name of ["pointerleave", "focusout"]) box.addEventListener(name, () => setTimeout(waitAll));

  const add = (parts) => {
    while (cards.size >= CARDS_MAX) drop(cards.values().next().value);
    const card = { timer: null };
    const close = h("button", { type: "button", class: "button button-plain button-icon", "aria-label": "Dismiss", onclick: () => drop(card) }, icon("close", 15));
    card.node = h("div", { class: "ring" }, parts(card), close);
    cards.add(card);
    box.append(card.node);
    wait(card);
  };
  const one = (notification) => add((card) => {
    const to = pathOf(notification, user);
    const read = () => {
      drop(card);
      notices.markRead(notification.id).catch(() => {});
    };
    return [sign(notification), h("p", {}, to ? h("a", { class: "clamped", href: to, onclick: read }, told(notification)) : h("span", { class: "clamped" }, told(notification)), about(notification))];
  });
  const many = (count) => add(() => [h("span", { class: "sign hue-custom" }, icon("bell", 17)), h("p", {}, `${count} new notifications`)]);

  const clear = () => [...cards].forEach(drop);
  signal.addEventListener("abort", () => {
    clear();
    box.remove();
  });
  return {
    clear,
    show: (fresh) => (fresh.length > ONE_BY_ONE_MAX ? many(fresh.length) : fresh.forEach(one)),
  };
}
