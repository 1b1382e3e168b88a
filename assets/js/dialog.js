// Dialogs on the browser's own <dialog>: it keeps the focus inside, Escape closes, focus goes back.

import { fill, h, icon } from "./dom.js";

let serial = 0;

/** Opens a modal dialog; `foot` are its buttons. Gone from the page once closed. */
export function openDialog({ title, body, foot = [], onclose, wrap = (parts) => parts }) {
  serial += 1;
  const id = `dialog-${serial}`;
  const close = h("button", { type: "button", class: "button button-plain button-icon push", "aria-label": "Close", onclick: () => node.close() }, icon("close"));
  const node = h("dialog", { "aria-labelledby": id },
    h("div", { class: "dialog-head" }, h("h2", { id }, title), close),
    wrap([h("div", { class: "dialog-body" }, body), h("div", { class: "dialog-foot" }, foot)]));
  const back = document.activeElement;
  node.addEventListener("close", () => {
    node.remove();
    if (back?.isConnected) back.focus();
    onclose?.(node.returnValue);
  });
  document.body.append(node);
  node.showModal();
  node.querySelector("[autofocus], .dialog-body input, .dialog-foot .button-main, .dialog-foot .button")?.focus();
  return node;
}

/** Asks before something that cannot be undone; resolves to whether the answer was yes. */
export function ask({ title, words, yes, no = "Cancel" }) {
  return new Promise((resolve) => {
    let answer = false;
    const sure = h("button", { type: "button", class: "button button-bad-main" }, yes);
    const node = openDialog({
      title,
      body: h("p", {}, words),
      foot: [h("button", { type: "button", class: "button", autofocus: true, onclick: () => node.close() }, no), sure],
      onclose: () => resolve(answer),
    });
    node.setAttribute("role", "alertdialog");
    sure.addEventListener("click", () => {
      answer = true;
      node.close();
    });
  });
}

/** Replaces what a dialog holds, for its second step. */
export function refill(node, title, body, foot) {
  fill(node.querySelector(".dialog-head h2"), title);
  fill(node.querySelector(".dialog-body"), body);
  fill(node.querySelector(".dialog-foot"), foot);
  node.querySelector(".dialog-foot .button-main")?.focus();
}
