// Who is it? Then the sign-in, or the frame of their pages. Staff live at /admin, customers at /help.

import { api, noteSignedIn, seemsSignedIn, sentence, session } from "./api.js";
import { fill, h, mark, note } from "./dom.js";
import { feed } from "./feed.js";
import { openGate } from "./gate.js";
import { home } from "./links.js";
import { forgetAll, learn } from "./people.js";
import { signIn } from "./pages/login.js";

const root = document.getElementById("app");

/** Whether the session still lives; with `renew` also tries to make it last longer. */
async function check({ renew = false } = {}) {
  try {
    if (renew) await api.post("/auth/refresh", {}, { quiet401: true }).catch(() => {});
    await api.get("/auth/me");
    return true;
  } catch (error) {
    return error.status !== 401;
  }
}

const waiting = () => h("div", { class: "empty", role: "status" }, mark("struck"), h("p", {}, "One moment…"));

/** `/admin/tickets/7` as customers know it, and the other way round; other paths are only for one of them. */
function elsewhere(base, other) {
  const shared = /^\/[a-z]+(\/(tickets\/[^/]+|notifications|go\/[^/]+\/[^/]+))\/?$/.exec(location.pathname);
  return shared && location.pathname.startsWith(`${base}/`) ? other + shared[1] : other;
}

/**
 * Opens the pages below `base`: `open(root, user, signOut)` makes the frame and returns `{end}`,
 * `past` says whether the feed reads what happened before. `greeting` stands above the sign-in, the
 * link `aside`, `[path, words]`, below it.
 */
export function enterAt(base, { open, past, greeting, aside }) {
  let frame = null;
  /** Who was here last: whoever's sign-in ended by itself finds what they wrote, and nobody else does. */
  let last = null;

  const leave = ({ left = false } = {}) => {
    frame?.end();
    frame = null;
    feed.stop();
    forgetAll({ left });
  };

  /** The wanted path stays in the address bar, so signing in leads to it. */
  const toSignIn = (message) => {
    leave();
    noteSignedIn(false);
    document.title = "Sign in · Deskbell";
    signIn(root, { message, greeting, aside, done: enter });
  };

  const signOut = async () => {
    // First: the server ends the socket with the sign-in, and the page would ask why.
    leave({ left: true });
    await api.post("/auth/logout", {}, { quiet401: true }).catch(() => {});
    history.replaceState(null, "", base);
    toSignIn(["good", "You are signed out."]);
  };

  const unreachable = (error) => {
    document.title = "Deskbell";
    const again = h("button", { type: "button", class: "button button-main button-wide", onclick: () => { fill(root, waiting()); enter(); } }, "Try again");
    openGate(root, h("div", { class: "gate-form" }, h("header", {}, h("h1", {}, "No answer")), note("bad", sentence(error)), again));
  };

  async function enter() {
    let user;
    try {
      ({ data: user } = await api.get("/auth/me", { quiet401: true }));
      // Before any page reads: what happens after this is heard.
      if (home(user) === base) await feed.locate();
    } catch (error) {
      return error.status === 401 ? toSignIn() : unreachable(error);
    }
    noteSignedIn(true);
    if (home(user) !== base) return location.replace(elsewhere(base, home(user)));
    if (last && last !== user.id) forgetAll({ left: true });
    last = user.id;
    learn(user.id, user.name);
    frame = open(root, user, signOut);
    return feed.start(user, { past });
  }

  feed.begin(check);
  session.addEventListener("signed-out", () => frame && toSignIn(["info", "Your session has ended. Sign in to go on."]));
  if (seemsSignedIn()) enter();
  else toSignIn();
}
