// Starts the customers' own pages.

import { enterAt } from "./enter.js";
import { openHelp } from "./help-frame.js";

enterAt("/help", {
  past: false,
  greeting: "Your requests, and the answers to them.",
  aside: ["/kb", "Read the articles without signing in"],
  open: openHelp,
});
