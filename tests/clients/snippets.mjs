// Runs the code that the pages offer to receivers, in Node, and hands out that in Python.
// Reads `{"format", "inputs": [{"secret", "headers", "body"}]}`; prints `{"node": [event or null],
// "python": the code, "names": the languages}`.
import { readFileSync } from "node:fs";
import { snippets } from "../../assets/js/snippets.js";

const { format, inputs } = JSON.parse(readFileSync(0, "utf8"));
const all = Object.fromEntries(snippets(format).map(({ name, code }) => [name, code]));
const { readDelivery } = await import(`data:text/javascript,${encodeURIComponent(all.Node)}`);
const read = ({ secret, headers, body }) => {
  try {
    return readDelivery(secret, headers, Buffer.from(body));
  } catch {
    return null;
  }
};
console.log(JSON.stringify({ node: inputs.map(read), python: all.Python, names: Object.keys(all) }));
