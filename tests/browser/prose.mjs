// Whatever people write: text and the little Markdown there is, shaken, become nothing that runs.

import assert from "node:assert/strict";
import { SOON_MS, step } from "./desk.mjs";

const SEEDS = [
  "**bold** *slanted* ~~gone~~ `code` _under_", "[words](https://example.com/a?b=c) https://example.com/x.", "# Heading #\n\n> quoted\n> > twice",
  "- one\n- two\n3. three\n4) four", "```\n<b>code</b>\n```\n~~~", "a\n\n---\nb\r\nc", "<img src=x onerror=alert(1)> [x](javascript:alert(2))", "größe 🦀 \u202eturned",
];
const STONES = ["*", "**", "_", "`", "```", "~~", "[", "](", ")", "https://", "http://\u0000", "javascript:", "<", ">", "&lt;", "\n", "\n\n", "#", "- ", "1. ", "> ", "\\", "\"", "\ud800", "\u0000", "🦀"];
/** What a text may become. */
const TAGS = ["DIV", "P", "BR", "CODE", "PRE", "STRONG", "EM", "DEL", "A", "SPAN", "UL", "OL", "LI", "BLOCKQUOTE", "HR", "H1", "H2", "H3", "H4", "H5", "H6"];
const ROUNDS = 2_000;
/** Longer than any comment, and of one sign each: what a careless pattern reads for ever. */
const LONG = 20_000;

/** A step for any page of ours. */
export function shakeProse(page) {
  return step("whatever is written becomes text and a few harmless elements, in no time", async () => {
    const work = page.evaluate(async ({ seeds, stones, tags, rounds, long }) => {
      const { firstWords, prose } = await import("/assets/js/prose.js");
      // The same numbers in every run (Park and Miller).
      let state = 1;
      const below = (end) => {
        state = (state * 48_271) % 2_147_483_647;
        return state % end;
      };
      const one = (of) => of[below(of.length)];
      const shaken = () => {
        let text = one(seeds);
        for (let blows = 1 + below(6); blows > 0; blows -= 1) {
          const [a, b] = [below(text.length + 1), below(text.length + 1)].sort((x, y) => x - y);
          const middle = [one(stones), "", text.slice(a, b).repeat(1 + below(20)), one(seeds)][below(4)];
          text = (text.slice(0, a) + middle + text.slice(b)).slice(0, 4_000);
        }
        return text;
      };
      const wrong = [];
      const read = (text) => {
        for (const format of ["markdown", "text"]) {
          const node = prose(text, format, 2);
          for (const part of [node, ...node.querySelectorAll("*")]) {
            const runs = part.getAttributeNames().some((name) => name.startsWith("on") || name === "style" || name === "src");
            const away = part.tagName === "A" && !["http:", "https:"].includes(part.protocol);
            if (runs || away || !tags.includes(part.tagName)) wrong.push([format, part.outerHTML.slice(0, 200), text]);
          }
          const words = (said) => said.replace(/\s+/g, "");
          if (format === "text" && words(node.textContent) !== words(text)) wrong.push(["lost", node.textContent, text]);
        }
        if (firstWords(text).length > 160) wrong.push(["long", firstWords(text), text]);
      };
      for (const text of seeds) read(text);
      for (let round = 0; round < rounds; round += 1) read(shaken());
      for (const stone of stones) read(stone.repeat(long / stone.length));
      return wrong.slice(0, 5);
    }, { seeds: SEEDS, stones: STONES, tags: TAGS, rounds: ROUNDS, long: LONG });
    const late = new Promise((resolve) => setTimeout(resolve, 3 * SOON_MS, "too slow").unref());
    assert.deepEqual(await Promise.race([work, late]), []);
  });
}
