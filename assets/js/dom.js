// Makes elements. Text always becomes a text node: nothing that comes from data is ever read as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** Set as properties, because as attributes they only give the first value. */
const LIVE = new Set(["value", "checked", "disabled", "hidden", "open", "indeterminate", "selected"]);

/**
 * An element. `props` are attributes, except functions named `on…`, which listen, and nothing at all
 * for null, undefined and false. Links lead to this server only, so that a hostile value cannot
 * become a `javascript:` address.
 */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined) continue;
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (LIVE.has(name)) node[name] = value;
    else if (value === false) continue;
    else if (name === "href" && !/^[/#](?!\/)/.test(value)) throw new Error("a link to elsewhere");
    else node.setAttribute(name, value === true ? "" : value);
  }
  append(node, children);
  return node;
}

/** An SVG element. */
export function s(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  append(node, children);
  return node;
}

/** Replaces everything in `node`. */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
}

/** Strokes on a 20 by 20 grid. */
const ICONS = {
  pulse: "M2 10h3.5l2.2-5.5 4 11 2.3-5.5H18",
  people: "M7.2 9.2a2.9 2.9 0 1 0 0-5.8 2.9 2.9 0 0 0 0 5.8ZM1.8 16.4c.3-2.9 2.4-4.6 5.4-4.6s5.1 1.7 5.4 4.6M13 3.8a2.7 2.7 0 0 1 0 5.1M15 12.2c1.9.6 3 2 3.2 4.2",
  person: "M10 9.4a3.1 3.1 0 1 0 0-6.2 3.1 3.1 0 0 0 0 6.2ZM3.8 17c.4-3.3 2.8-5.2 6.2-5.2s5.8 1.9 6.2 5.2",
  team: "M10 8.2a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM6.6 12.6c.4-1.7 1.6-2.7 3.4-2.7s3 1 3.4 2.7M4.6 12.6a1.9 1.9 0 1 0 0-3.8M2 17c.2-1.6 1.2-2.5 2.6-2.5s2.4.9 2.6 2.5M15.4 12.6a1.9 1.9 0 1 1 0-3.8M12.8 17c.2-1.6 1.2-2.5 2.6-2.5s2.4.9 2.6 2.5",
  hook: "M10 3.2v7.6M6.5 6.2 10 2.8l3.5 3.4M4 11.5v3.2c0 1.2.8 2 2 2h8c1.2 0 2-.8 2-2v-3.2",
  tray: "M3 11.5 5.2 4h9.6l2.2 7.5v4.5H3zM3 11.5h4l1.2 2.2h3.6L13 11.5h4",
  tags: "M3 3.5h6l8 8-5.5 5.5-8.5-8.5zM6.3 6.8v.1",
  key: "M12.5 11a4.2 4.2 0 1 0-4-2.9L3 13.6V17h3.4v-2.2h2.2v-2.2l1.3-1.9M13.3 6.7v.1",
  code: "m7 5.5-4.5 4.5L7 14.5M13 5.5l4.5 4.5-4.5 4.5",
  board: "M3 4.5h5v11H3zM12 4.5h5v5h-5zM12 12.5h5v3h-5z",
  out: "M8 3.5H5.2c-1 0-1.7.7-1.7 1.7v9.6c0 1 .7 1.7 1.7 1.7H8M12.5 13.5 16 10l-3.5-3.5M16 10H7.5",
  sun: "M10 13.4a3.4 3.4 0 1 0 0-6.8 3.4 3.4 0 0 0 0 6.8ZM10 1.8v1.7M10 16.5v1.7M1.8 10h1.7M16.5 10h1.7M4.2 4.2l1.2 1.2M14.6 14.6l1.2 1.2M4.2 15.8l1.2-1.2M14.6 5.4l1.2-1.2",
  moon: "M16.8 11.7A7 7 0 0 1 8.3 3.2a7 7 0 1 0 8.5 8.5Z",
  menu: "M3 5.5h14M3 10h14M3 14.5h14",
  close: "m5 5 10 10M15 5 5 15",
  search: "M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM13 13l4 4",
  plug: "M7 3v4M13 3v4M5 7h10v2.5a5 5 0 0 1-10 0zM10 14.5v3",
  pause: "M7 4.5v11M13 4.5v11",
  play: "M6 4.2v11.6l9.5-5.8z",
  turn: "m7.5 5 5 5-5 5",
  copy: "M7 7h9.5v9.5H7zM13 7V3.5H3.5V13H7",
  check: "m4 10.5 4 4 8-9",
  plus: "M10 4v12M4 10h12",
  warn: "M10 3 2.3 16.5h15.4zM10 8.2v3.8M10 14.3v.1",
  info: "M10 17.2a7.2 7.2 0 1 0 0-14.4 7.2 7.2 0 0 0 0 14.4ZM10 9.2v4.4M10 6.5v.1",
  send: "m17.5 2.5-7 15-2.6-6.4L1.5 8.5zM7.9 11.1l4.3-4.3",
  pen: "m3.5 16.5.8-3.7 9-9 2.9 2.9-9 9zM11.5 5.6l2.9 2.9",
  bin: "M3.5 5.5h13M8 5.5v-2h4v2M5 5.5l.8 11h8.4l.8-11",
  back: "m11.5 5-5 5 5 5",
  lock: "M5 9h10v7.5H5zM7 9V6.5a3 3 0 0 1 6 0V9M10 12v2",
  clip: "m15.5 9.5-5.7 5.7a3.4 3.4 0 0 1-4.9-4.9l6.4-6.4a2.3 2.3 0 0 1 3.2 3.2l-6.2 6.2a1.1 1.1 0 0 1-1.6-1.6l5.3-5.3",
  down: "M10 3v9.5M6 9l4 4 4-4M4 16.5h12",
  ticket: "M2.5 6.5v-2h15v2a3.5 3.5 0 0 0 0 7v2h-15v-2a3.5 3.5 0 0 0 0-7ZM12 5v1.5M12 9.2v1.6M12 13.5V15",
  talk: "M3 4h14v9.5H9L5.5 17v-3.5H3z",
  clock: "M10 17.2a7.2 7.2 0 1 0 0-14.4 7.2 7.2 0 0 0 0 14.4ZM10 6v4.2l2.8 1.8",
  eye: "M1.8 10S4.8 4.5 10 4.5 18.2 10 18.2 10 15.2 15.5 10 15.5 1.8 10 1.8 10ZM10 12.3a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6Z",
  merge: "M5 3v4.5c0 2 1.3 3.2 3 3.8 1.2.5 2 1.4 2 2.7v3M15 3v4.5c0 2-1.3 3.2-3 3.8-1.2.5-2 1.4-2 2.7",
  bell: "M4.5 14.2c1-1.1 1.4-2.2 1.4-4.6a4.1 4.1 0 0 1 8.2 0c0 2.4.4 3.5 1.4 4.6zM8.4 16.8a1.7 1.7 0 0 0 3.2 0M10 5.4V3.4",
  book: "M10 5.4C8.6 4.2 6.4 3.8 3.2 3.9v11c3.2-.1 5.4.3 6.8 1.5 1.4-1.2 3.6-1.6 6.8-1.5v-11c-3.2-.1-5.4.3-6.8 1.5zM10 5.4v11",
  phone: "M6.8 3.4 8.3 7 6.6 8.4a9.6 9.6 0 0 0 5 5l1.4-1.7 3.6 1.5v2.2c0 .8-.6 1.4-1.4 1.3C9 16.3 3.7 11 3.3 4.8c0-.8.5-1.4 1.3-1.4z",
  hangup: "M2.6 12.4c4.2-4.6 10.6-4.6 14.8 0l-1.7 1.9c-.5.5-1.2.5-1.7.1l-1.7-1.3v-2a8.5 8.5 0 0 0-4.6 0v2L6 14.4c-.5.4-1.2.4-1.7-.1z",
  pass: "M2.5 10h11M9.5 5.5 14 10l-4.5 4.5M17 4.5v11",
  tune: "M3 6h7.5M14.5 6H17M3 14h2.5M9.5 14H17M12.5 8.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4ZM7.5 16.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4Z",
  up: "M10 16V4.5M5.5 9 10 4.5 14.5 9",
  below: "M10 4v11.5M5.5 11l4.5 4.5L14.5 11",
  yes: "M6.2 9.2v7H4.4c-.7 0-1.2-.5-1.2-1.2v-4.6c0-.7.5-1.2 1.2-1.2zl3.3-5.8c1.2 0 2 .9 2 2v2.7h3.3c.9 0 1.6.8 1.4 1.7l-1 5.2c-.1.7-.7 1.2-1.4 1.2H6.2",
  no: "M13.8 10.8v-7h1.8c.7 0 1.2.5 1.2 1.2v4.6c0 .7-.5 1.2-1.2 1.2zl-3.3 5.8c-1.2 0-2-.9-2-2v-2.7H5.2c-.9 0-1.6-.8-1.4-1.7l1-5.2c.1-.7.7-1.2 1.4-1.2h7.6",
  again: "M16.5 8.5A6.8 6.8 0 1 0 16.6 12M16.8 4v4.6h-4.6",
};

/** A drawn sign, said by the words beside it, hence hidden from screen readers. */
export function icon(name, size = 18) {
  return s("svg", {
    viewBox: "0 0 20 20", width: size, height: size, fill: "none", stroke: "currentColor",
    "stroke-width": "1.6", "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true",
  }, s("path", { d: ICONS[name] ?? ICONS.info }));
}

/** The Deskbell mark: a counter bell, its plunger free to move. */
export function mark(className = "") {
  return s("svg", { viewBox: "0 0 32 32", class: `mark ${className}`, "aria-hidden": "true", fill: "none" },
    s("g", { class: "plunger" },
      s("rect", { class: "metal", x: "13", y: "6.5", width: "6", height: "2.6", rx: "1.3" }),
      s("rect", { class: "metal", x: "15", y: "8.5", width: "2", height: "3.5" })),
    s("path", { class: "metal", d: "M5.5 22.5C5.5 16.1 10.2 11.5 16 11.5s10.5 4.6 10.5 11z" }),
    s("rect", { class: "metal", x: "3.5", y: "24", width: "25", height: "3", rx: "1.5" }),
    s("path", { class: "wave", d: "M4.5 11.5A13.5 13.5 0 0 1 9 6.2M27.5 11.5A13.5 13.5 0 0 0 23 6.2", "stroke-width": "1.6", "stroke-linecap": "round" }));
}

const toasts = () => document.getElementById("toasts");

/** A short message at the foot of the page, read out by screen readers too. */
export function toast(words) {
  const node = h("div", { class: "toast" }, words);
  // In a modal dialog everything outside is inert, so the message goes where it can be heard.
  const modal = [...document.querySelectorAll("dialog[open]")].at(-1);
  const region = modal ? h("div", { class: "toasts", role: "status" }) : toasts();
  if (modal) modal.append(region);
  region?.append(node);
  setTimeout(() => (modal ? region : node).remove(), 3500);
}

/** A button that copies what `text()` gives, and says so. */
export function copyButton(text, label = "Copy", className = "button-s") {
  const words = h("span", {}, label);
  const button = h("button", { type: "button", class: `button ${className}` }, icon("copy", 15), words);
  button.addEventListener("click", async () => {
    const done = await copy(text());
    words.textContent = done ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { words.textContent = label; }, 2000);
    if (done) toast("Copied");
  });
  return button;
}

/** The clipboard exists only on https and localhost; elsewhere the old way has to do. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea", { class: "visually-hidden", readonly: true, value: text });
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** Nothing to show, said kindly. */
export function empty(title, words, ...more) {
  return h("div", { class: "empty" }, mark(), h("h2", {}, title), words && h("p", {}, words), more);
}

/** A message box; `tone` is good, warn, bad or info. */
export function note(tone, ...words) {
  const role = tone === "bad" ? "alert" : "status";
  return h("div", { class: `note tone-${tone}`, role }, icon(tone === "good" ? "check" : tone === "info" ? "info" : "warn"),
    h("div", {}, words.map((w) => (w instanceof Node ? w : h("p", {}, w)))));
}
