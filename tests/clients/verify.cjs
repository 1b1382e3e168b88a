// Checks deliveries with the packages `standardwebhooks` and `svix` from npm, as a receiver would.
// Reads `[{"secret", "headers", "body"}]` from standard input; prints `[{"standard", "svix"}]`. A
// delivery with a true `moved` was signed under a clock that was moved: its own time is then the
// present of its check.
"use strict";
const { Webhook } = require("standardwebhooks");
const { pathToFileURL } = require("node:url");

const now = Date.now;

function verify(Library, { secret, headers, body, moved }) {
  // A secret of the standard is base64 behind a prefix; any other is used as it is, in UTF-8.
  const webhook = secret.startsWith("whsec_")
    ? new Library(secret)
    : new Library(Buffer.from(secret), { format: "raw" });
  if (moved) Date.now = () => Number(headers["webhook-timestamp"]) * 1000;
  try {
    webhook.verify(body, headers);
    return true;
  } catch {
    return false;
  } finally {
    Date.now = now;
  }
}

const input = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
// A module of the new kind, which NODE_PATH finds by `require` only.
import(pathToFileURL(require.resolve("svix"))).then((svix) => {
  console.log(JSON.stringify(input.map((delivery) => ({
    standard: verify(Webhook, delivery),
    svix: verify(svix.Webhook, delivery),
  }))));
});
