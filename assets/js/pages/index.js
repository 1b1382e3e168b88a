// Every page of the administration, in the order of the navigation. A new page is one line here and
// one module beside this one, whose default export is
//   { title, mount(root, ctx) }  with ctx = { params, user, go(path), signal }.
// `signal` aborts when the page is left: requests, listeners and timers hang on it.

export { may } from "../roles.js";

/** Groups of the navigation. Pages without an `icon` are reached from others. */
export const sections = [
  {
    name: "Now",
    pages: [
      { path: "/admin", name: "Live", icon: "pulse", role: "agent", load: () => import("./live.js") },
      { path: "/admin/online", name: "Who is online", icon: "people", role: "agent", load: () => import("./online.js") },
      { path: "/admin/events/:seq", under: "/admin", role: "agent", load: () => import("./event.js") },
      { path: "/admin/board", name: "Wallboard", icon: "eye", role: "agent", load: () => import("./board.js") },
      { path: "/admin/agents", name: "Agents", icon: "board", role: "agent", load: () => import("./agents.js") },
    ],
  },
  {
    name: "Desk",
    pages: [
      { path: "/admin/tickets", name: "Tickets", icon: "ticket", role: "agent", load: () => import("./tickets.js") },
      { path: "/admin/tickets/:id", under: "/admin/tickets", role: "agent", load: () => import("./ticket.js") },
      { path: "/admin/chats", name: "Chats", icon: "talk", role: "agent", load: () => import("./chats.js") },
      { path: "/admin/chats/settings", under: "/admin/chats", role: "admin", load: () => import("./chat-settings.js") },
      { path: "/admin/chats/:id", under: "/admin/chats", role: "agent", load: () => import("./chats.js") },
      { path: "/admin/calls", name: "Calls", icon: "phone", role: "agent", load: () => import("./calls.js") },
      { path: "/admin/calls/:id", under: "/admin/calls", role: "agent", load: () => import("./call.js") },
      { path: "/admin/articles", name: "Knowledge base", icon: "book", role: "agent", load: () => import("./articles.js") },
      { path: "/admin/articles/new", under: "/admin/articles", role: "agent", load: () => import("./article.js") },
      { path: "/admin/articles/:id", under: "/admin/articles", role: "agent", load: () => import("./article.js") },
    ],
  },
  {
    name: "Yours",
    pages: [
      { path: "/admin/notifications", name: "Notifications", role: "agent", load: () => import("./notifications.js") },
      { path: "/admin/go/:kind/:id", name: "One moment", role: "agent", load: () => import("./go.js") },
    ],
  },
  {
    name: "House",
    pages: [
      { path: "/admin/reports", name: "Reports", icon: "tune", role: "supervisor", load: () => import("./reports.js") },
      { path: "/admin/people", name: "People", icon: "person", role: "agent", load: () => import("./people.js") },
      { path: "/admin/teams", name: "Teams", icon: "team", role: "agent", load: () => import("./teams.js") },
    ],
  },
  {
    name: "Connections",
    pages: [
      { path: "/admin/connections", name: "Open connections", icon: "plug", role: "admin", load: () => import("./connections.js") },
      { path: "/admin/pbx", name: "Telephones", icon: "phone", role: "admin", load: () => import("./telephones.js") },
      { path: "/admin/webhooks", name: "Webhooks", icon: "hook", role: "admin", load: () => import("./webhooks.js") },
      { path: "/admin/bins", name: "Request bins", icon: "tray", role: "admin", load: () => import("./bins.js") },
      { path: "/admin/event-types", name: "Event types", icon: "tags", role: "agent", load: () => import("./event-types.js") },
      { path: "/admin/bins/:id", under: "/admin/bins", role: "admin", load: () => import("./bin.js") },
      { path: "/admin/webhooks/:id", under: "/admin/webhooks", role: "admin", load: () => import("./webhook.js") },
    ],
  },
];

/** All of them in one list, as the router wants it. */
export const pages = sections.flatMap((section) => section.pages);
