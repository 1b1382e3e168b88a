// Keeps the number of unread notifications in front of the page's title, whoever sets that title.

/** A space that nobody types, so that a title that begins with a number of its own is left alone. */
const GAP = "\u00a0";

let unread = 0;

function put() {
  const bare = document.title.replace(/^\(\d+\)\u00a0/, "");
  const wanted = unread ? `(${unread})${GAP}${bare}` : bare;
  if (document.title !== wanted) document.title = wanted;
}

new MutationObserver(put).observe(document.head, { childList: true, characterData: true, subtree: true });

/** Shows `count` as `(3) Tickets · Deskbell`; nothing for 0. */
export function countInTitle(count) {
  unread = count;
  put();
}
