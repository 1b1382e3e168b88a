// Starts the administration: who is it, then the sign-in, the customers' note or the shell.

import { api, noteSignedIn, seemsSignedIn, sentence, session } from "./api.js";
import { fill, h, mark, note } from "./dom.js";
import { feed } from "./feed.js";
import { openGate } from "./gate.js";
import { may } from "./pages/index.js";
import { forgetAll, learn } from "./people.js";
import { openShell } from "./shell.js";
import { signIn } from "./pages/login.js";

const root = document.getElementById("app");
let shell = null;

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

function leave() {
  shell?.end();
  shell = null;
  feed.stop();
  forgetAll();
}

/** The wanted path stays in the address bar, so signing in leads to it. */
function toSignIn(message) {
  leave();
  noteSignedIn(false);
  document.title = "Sign in · Deskbell";
  signIn(root, { message, done: enter });
}

async function signOut() {
  // First: the server ends the socket with the sign-in, and the page would ask why.
  leave();
  await api.post("/auth/logout", {}, { quiet401: true }).catch(() => {});
  history.replaceState(null, "", "/admin");
  toSignIn(["good", "You are signed out."]);
}

async function enter() {
  let user;
  try {
    ({ data: user } = await api.get("/auth/me", { quiet401: true }));
  } catch (error) {
    if (error.status === 401) return toSignIn();
    return unreachable(error);
  }
  noteSignedIn(true);
  learn(user.id, user.name);
  if (!may(user, "agent")) return forCustomers(user);
  shell = openShell(root, user, signOut);
  // Most events name people by id; the agents' board knows what they are called.
  api.get("/agent-state").then(({ data }) => data?.forEach((agent) => learn(agent.user_id, agent.name)), () => {});
  await feed.start(user);
  return undefined;
}

function forCustomers(user) {
  document.title = "Deskbell";
  openGate(root, h("div", { class: "gate-form" },
    h("header", {}, h("h1", {}, `Hello, ${user.name}`), h("p", { class: "quiet" },
      "These pages are for the people who answer. Your own requests will find you by e-mail and in the application you came from.")),
    h("button", { type: "button", class: "button button-wide", onclick: signOut }, "Sign out")));
}

function unreachable(error) {
  document.title = "Deskbell";
  const again = h("button", { type: "button", class: "button button-main button-wide", onclick: () => { fill(root, waiting()); enter(); } }, "Try again");
  openGate(root, h("div", { class: "gate-form" }, h("header", {}, h("h1", {}, "No answer")), note("bad", sentence(error)), again));
}

const waiting = () => h("div", { class: "empty", role: "status" }, mark("rings"), h("p", {}, "One moment…"));

feed.begin(check);
session.addEventListener("signed-out", () => shell && toSignIn(["info", "Your session has ended. Sign in to go on."]));
if (seemsSignedIn()) enter();
else toSignIn();
