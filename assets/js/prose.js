// Shows what people wrote, as plain text or as a small part of Markdown: text nodes only, no HTML.

import { h } from "./dom.js";

/** Quotes within quotes, and emphasis within emphasis, are read this deep; what is deeper is text. */
const DEPTH_MAX = 4;

/**
 * Every alternative ends at the next sign of its own kind, so that no text takes more than a glance:
 * code, links in words, bare links, strong, struck, emphasised.
 */
const INLINE = new RegExp([
  /`([^`\n]+)`/, /\[([^[\]\n]{1,500})\]\((https?:\/\/[^\s()<>]{1,2000})\)/, /(https?:\/\/[^\s<>"`]{1,2000})/,
  /\*\*([^*\n]+)\*\*/, /~~([^~\n]+)~~/, /\*([^*\s][^*\n]*)\*/, /(?<![\p{L}\p{N}_])_([^_\s][^_\n]*)_(?![\p{L}\p{N}_])/u,
].map((part) => part.source).join("|"), "gu");
const BARE = /https?:\/\/[^\s<>"`]{1,2000}/g;

/** A link to another host; only http and https, in a tab of its own, and it always shows where it leads. */
function away(url, words = "") {
  let to = null;
  try {
    to = new URL(url);
  } catch {
    return url;
  }
  if (to.protocol !== "https:" && to.protocol !== "http:") return url;
  const link = h("a", { target: "_blank", rel: "noopener noreferrer nofollow", title: url }, words || url);
  link.href = to.href;
  return words ? [link, h("span", { class: "quiet small" }, ` (${to.host})`)] : link;
}

/** A bare link takes no full stop with it. */
function bare(text) {
  let end = text.length;
  while (end > 0 && ".,;:!?)]'*_".includes(text[end - 1])) end -= 1;
  return [away(text.slice(0, end)), text.slice(end)];
}

/** Text with its bare links as links. */
function linked(text) {
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(BARE)) {
    parts.push(text.slice(at, found.index), ...bare(found[0]));
    at = found.index + found[0].length;
  }
  parts.push(text.slice(at));
  return parts.flat().filter(Boolean);
}

function inline(text, depth = 0) {
  if (depth > DEPTH_MAX) return [text];
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(INLINE)) {
    const [all, code, words, url, plain, strong, struck, star, under] = found;
    parts.push(text.slice(at, found.index));
    const inner = (tag, said) => h(tag, {}, inline(said, depth + 1));
    if (code !== undefined) parts.push(h("code", {}, code));
    else if (words !== undefined) parts.push(away(url, words));
    else if (plain !== undefined) parts.push(bare(plain));
    else if (strong !== undefined) parts.push(inner("strong", strong));
    else if (struck !== undefined) parts.push(inner("del", struck));
    else parts.push(inner("em", star ?? under));
    at = found.index + all.length;
  }
  parts.push(text.slice(at));
  return parts.flat(3).filter((part) => part !== "");
}

/** A block that is read from where its first letter says; said last, for it is found anew with each child. */
function block(tag, props, ...children) {
  const node = h(tag, props, children);
  node.dir = "auto";
  return node;
}

const FENCE = /^ {0,3}(```|~~~)/;
const HEADING = /^#{1,6}\s+/;
const QUOTE = /^ {0,3}>\s?/;
const BULLET = /^\s{0,8}[-*+]\s+/;
const NUMBER = /^\s{0,8}(\d{1,9})[.)]\s+/;
const RULE = /^ {0,3}([-*_])(?: *\1){2,} *$/;
const SPECIAL = [FENCE, HEADING, QUOTE, BULLET, NUMBER, RULE];

/** Takes lines from the front while `wanted` says so. */
function take(lines, wanted) {
  let count = 0;
  while (count < lines.length && wanted(lines[count])) count += 1;
  return lines.splice(0, count);
}

function list(lines, sign, tag) {
  const taken = take(lines, (line) => sign.test(line));
  const start = tag === "ol" ? Number(NUMBER.exec(taken[0])?.[1] ?? 1) : null;
  return h(tag, { start: start === 1 ? null : start }, taken.map((line) => block("li", {}, inline(line.replace(sign, "")))));
}

function fenced(lines) {
  const [, fence] = FENCE.exec(lines.shift());
  const code = take(lines, (line) => !line.trimStart().startsWith(fence));
  lines.shift();
  return h("pre", { tabindex: "0" }, h("code", {}, code.join("\n")));
}

function rule(lines) {
  lines.shift();
  return h("hr");
}

function paragraph(lines) {
  const first = lines.shift();
  const text = [first, ...take(lines, (line) => line.trim() && !SPECIAL.some((sign) => sign.test(line)))];
  return block("p", {}, inline(text.join("\n")));
}

function heading(line, top) {
  const [sign] = HEADING.exec(line);
  const words = inline(line.slice(sign.length).replace(/\s+#+\s*$/, ""));
  // In a conversation a heading would be a place of the page to jump to; there it is only loud.
  if (!top) return block("p", { class: "loud" }, words);
  // The title above takes the place of `#`, so that `#` and `##` are both the first below it.
  return block(`h${Math.min(6, top + Math.max(0, sign.trim().length - 2))}`, {}, words);
}

function blocks(lines, depth, top) {
  const nodes = [];
  while (lines.length) {
    const [line] = lines;
    if (!line.trim()) lines.shift();
    else if (FENCE.test(line)) nodes.push(fenced(lines));
    else if (RULE.test(line)) nodes.push(rule(lines));
    else if (HEADING.test(line)) nodes.push(heading(lines.shift(), top));
    else if (QUOTE.test(line) && depth < DEPTH_MAX) {
      nodes.push(h("blockquote", {}, blocks(take(lines, (l) => QUOTE.test(l)).map((l) => l.replace(QUOTE, "")), depth + 1, 0)));
    } else if (BULLET.test(line)) nodes.push(list(lines, BULLET, "ul"));
    else if (NUMBER.test(line)) nodes.push(list(lines, NUMBER, "ol"));
    else nodes.push(paragraph(lines));
  }
  return nodes;
}

/**
 * `text` as nodes, read as `format` says: `markdown`, or anything else for text as it stands. `top`
 * is the level of its largest headings, 0 for none that are headings of the page.
 */
export function prose(text, format = "text", top = 0) {
  const said = String(text ?? "").replace(/\r\n?/g, "\n");
  if (format === "markdown") return h("div", { class: "prose" }, blocks(said.split("\n"), 0, top));
  const parts = said.split(/\n{2,}/).filter((part) => part.trim());
  return h("div", { class: "prose" }, parts.map((part) => block("p", {}, linked(part))));
}

/** The first words of a Markdown text, without its signs. */
export function firstWords(text, max = 160) {
  const plain = String(text ?? "").slice(0, max * 4)
    .replace(/!?\[([^[\]]*)\]\([^()]*\)/g, "$1").replace(/^[\s>#*+-]+/gm, " ").replace(/[*`~]{1,3}|(?<!\w)_|_(?!\w)/g, "").replace(/\s+/g, " ").trim();
  return plain.length > max ? `${plain.slice(0, max - 1).trimEnd()}…` : plain;
}
