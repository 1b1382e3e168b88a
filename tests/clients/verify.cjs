// Checks deliveries with the `standardwebhooks` package from npm, as a receiver would.
// Reads `[{"secret", "headers", "body"}]` from standard input; prints `[true, false, …]`.
"use strict";
const { Webhook } = require("standardwebhooks");

function verify({ secret, headers, body }) {
  // A secret of the standard is base64 behind a prefix; any other is used as it is, in UTF-8.
  const webhook = secret.startsWith("whsec_")
    ? new Webhook(secret)
    : new Webhook(Buffer.from(secret), { format: "raw" });
  try {
    webhook.verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

const input = require("node:fs").readFileSync(0, "utf8");
console.log(JSON.stringify(JSON.parse(input).map(verify)));
