// Keeps what is to be noticed in front of the page's title, whoever sets that title: the number of
// unread notifications, and who is calling.

/** A space that nobody types, so that a title that begins with a number of its own is left alone. */
const GAP = "\u00a0";

let unread = 0;
let mark = "";
let shown = "";

function put() {
  const bare = shown && document.title.startsWith(shown) ? document.title.slice(shown.length) : document.title;
  shown = [mark && `${mark} ·`, unread && `(${unread})`].filter(Boolean).map((words) => words + GAP).join("");
  if (document.title !== shown + bare) document.title = shown + bare;
}

new MutationObserver(put).observe(document.head, { childList: true, characterData: true, subtree: true });

/** Shows `count` as `(3) Tickets · Deskbell`; nothing for 0. */
export function countInTitle(count) {
  unread = count;
  put();
}

/** Puts words in front, such as who is calling; nothing for none. */
export function markTitle(words) {
  mark = words;
  put();
}
