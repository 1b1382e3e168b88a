// Runs the code that the pages offer to receivers, in Node, and hands out that in Python.
// Reads `{"format", "inputs": [{"secret", "headers", "body"}]}`; prints `{"node": [event or null],
// "python": the code, "names": the languages}`.
import { readFileSync } from "node:fs";

/** A module from its text, whatever its file is called. */
const module = (code) => import(`data:text/javascript,${encodeURIComponent(code)}`);
const page = new URL("../../assets/js/snippets.js", import.meta.url);
const { snippets } = await module(readFileSync(page, "utf8"));
const { format, inputs } = JSON.parse(readFileSync(0, "utf8"));
const all = Object.fromEntries(snippets(format).map(({ name, code }) => [name, code]));
const { readDelivery } = await module(all.Node);
const read = ({ secret, headers, body }) => {
  try {
    return readDelivery(secret, headers, Buffer.from(body));
  } catch {
    return null;
  }
};
console.log(JSON.stringify({ node: inputs.map(read), python: all.Python, names: Object.keys(all) }));
