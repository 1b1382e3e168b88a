// Starts the administration.

import { api } from "./api.js";
import { enterAt } from "./enter.js";
import { learn } from "./people.js";
import { openShell } from "./shell.js";

enterAt("/admin", {
  past: true,
  greeting: "Welcome back to the desk.",
  open(root, user, signOut) {
    // Most events name people by id; the agents' board knows what they are called.
    api.get("/agent-state").then(({ data }) => data?.forEach((agent) => learn(agent.user_id, agent.name)), () => {});
    return openShell(root, user, signOut);
  },
});
