// Every page of the customers' view, in the order of the navigation; made as those in ../index.js.

const page = (path, load, more = {}) => ({ path, load, role: "customer", ...more });

export const pages = [
  page("/help", () => import("./requests.js"), { name: "My requests", icon: "ticket" }),
  page("/help/chats", () => import("./chats.js"), { name: "Chats", icon: "talk" }),
  page("/help/chats/:id", () => import("./chats.js"), { under: "/help/chats" }),
  page("/help/articles", () => import("./articles.js"), { name: "Articles", icon: "book" }),
  page("/help/new", () => import("./new.js"), { under: "/help" }),
  page("/help/tickets/:id", () => import("./request.js"), { under: "/help" }),
  page("/help/articles/:slug", () => import("./article.js"), { under: "/help/articles" }),
  page("/help/notifications", () => import("../notifications.js")),
  page("/help/go/:kind/:id", () => import("../go.js")),
];
