// The pages of the ticketing document on a stock Socket.IO client, with both of the ways in which
// it reads a notification: the whole argument as the notification, and `payload.data`. Prints what
// they show whenever that changes.
//
//     node seed_a_pages.cjs <package> <url> <options as JSON>
"use strict";

const { createRequire } = require("node:module");

const [name, url, options] = process.argv.slice(2);
const { io } = createRequire(`${process.env.DESKBELL_CLIENTS}/`)(name);
const tell = (line) => console.log(JSON.stringify(line));

const shown = { badge: 0, toasts: [], types: [], refetched: [], tickets: [], comments: [] };

// The first: the argument is the notification.
function handleNotification(notification) {
  shown.types.push(notification.type);
  shown.badge += 1;
  shown.toasts.push(notification.message);
  if (notification.type.includes("ticket")) shown.refetched.push("tickets");
  else if (notification.type.includes("comment")) shown.refetched.push("comments");
}

// The second: the argument holds the notification, and the entity as it now is.
function updateEntityInUI({ notification, data }) {
  const list = { ticket: shown.tickets, comment: shown.comments }[notification.related_type];
  if (!list) return;
  const at = list.findIndex((item) => item.id === data.id);
  if (at < 0) list.push(data);
  else list[at] = data;
}

const socket = io(url, JSON.parse(options));
socket.on("connect", () => tell({ is: "connect" }));
socket.on("notification", handleNotification);
socket.on("notification", (payload) => {
  updateEntityInUI(payload);
  tell({ is: "shown", shown });
});
