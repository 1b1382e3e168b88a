// What the walk through the pages needs: a browser that complains about everything, the API from
// outside, a receiver for webhooks, and a check of accessibility.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const load = createRequire(`${process.env.DESKBELL_CLIENTS}/`);
const { chromium } = load("playwright-core");
const axe = load("axe-core");

/** Where the server is. */
export const base = process.env.DESKBELL_URL;

/** How long something may take that should be there within moments. */
export const SOON_MS = 10_000;

/** Faults of accessibility that fail the walk. */
const GRAVE = new Set(["serious", "critical"]);

/** Everything that a page did and should not have done. */
const complaints = [];
/** What a step does on purpose: complaints that match are no complaints. */
let forgiven = [];

/** Notes what `page` does wrong. */
function watch(page) {
  const complain = (what) => forgiven.some((pattern) => pattern.test(what)) || complaints.push(what);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complain(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => complain(`exception: ${error.stack}`));
  page.on("dialog", (dialog) => {
    complain(`a script ran: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    const url = request.url();
    const own = new URL(url).host === new URL(base).host;
    if (!own && !url.startsWith("data:")) complain(`another host: ${url}`);
  });
}

/** Runs `work` while complaints that match any of `patterns` are expected. */
export async function forgiving(patterns, work) {
  forgiven = patterns;
  try {
    return await work();
  } finally {
    forgiven = [];
  }
}

/** One step of the walk: says its name, and fails on any complaint that came up in it. */
export async function step(name, work) {
  const began = Date.now();
  const result = await work().catch((error) => {
    console.log(`FAILED: ${name}`, complaints);
    throw error;
  });
  assert.deepEqual(complaints, [], name);
  console.log(`  ${name} (${Date.now() - began} ms)`);
  return result;
}

/** The browser. Chromium's own errands would be requests to other hosts. */
export function openBrowser() {
  const errands = ["background-networking", "component-update", "sync", "default-apps", "extensions"];
  return chromium.launch({
    executablePath: process.env.DESKBELL_CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", ...errands.map((what) => `--disable-${what}`)],
  });
}

/** A page of a browser that nobody used before. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 }, locale: "en-GB", reducedMotion: "reduce", ...options,
  });
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`the CSP refuses ${event.violatedDirective} ${event.blockedURI}`));
  });
  context.setDefaultTimeout(SOON_MS);
  const page = await context.newPage();
  watch(page);
  return page;
}

/** Fails on grave faults of accessibility, in both colour schemes and on a small screen. */
export async function inspect(page, name) {
  const size = page.viewportSize();
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    await settled(page);
    await page.evaluate(axe.source);
    let grave = await faults(page);
    if (grave.length > 0) {
      // On a busy machine a page may stand for a moment between two schemes; a fault stays.
      await settled(page);
      grave = await faults(page);
    }
    assert.deepEqual(grave, [], `${name}, ${scheme}`);
    await shot(page, `${name}-${scheme}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 390, height: 844 });
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(over <= 0, `${name} is ${over} px wider than a small screen`);
  await shot(page, `${name}-small`);
  await page.setViewportSize(size);
}

async function faults(page) {
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.filter(({ impact }) => GRAVE.has(impact)).map(({ id, nodes }) =>
    `${id}: ${nodes.map((node) => `${node.target} ${node.any.map((check) => check.message)}`).slice(0, 3).join("; ")}`);
}

/** Colours that are still changing are no colours to judge. */
function settled(page) {
  return page.evaluate(async () => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    await Promise.allSettled(document.getAnimations().map((animation) => animation.finished));
  });
}

/** With DESKBELL_SHOTS the walk leaves pictures in that folder, for people to look at. */
async function shot(page, name) {
  const folder = process.env.DESKBELL_SHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: `${folder}/${name}.png` });
}

/** Asks until `ask` gives something that is not false, null or undefined. */
export async function until(what, ask) {
  const end = Date.now() + SOON_MS;
  for (;;) {
    const found = await ask();
    if (found !== false && found !== null && found !== undefined) return found;
    assert.ok(Date.now() < end, `${what}: not within ${SOON_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The API, as a program of somebody who is signed in. */
export class Api {
  /** Signs in. */
  static async signIn(email, password) {
    const api = new Api();
    api.token = (await api.post("/auth/login", { email, password })).access_token;
    return api;
  }

  /** `data` of the answer; anything but success fails the walk. */
  async call(method, path, body) {
    const headers = { "Content-Type": "application/json", ...(this.token && { Authorization: `Bearer ${this.token}` }) };
    const reply = await fetch(`${base}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    const { success, data, error } = await reply.json();
    assert.ok(success, `${method} ${path}: ${JSON.stringify(error)}`);
    return data;
  }

  get = (path) => this.call("GET", path);
  post = (path, body = {}) => this.call("POST", path, body);
  patch = (path, body) => this.call("PATCH", path, body);
  put = (path, body) => this.call("PUT", path, body);
  patch = (path, body) => this.call("PATCH", path, body);
  delete = (path) => this.call("DELETE", path);
}

/** A receiver of webhooks on this machine; answers 200 with `answer`, but 500 at `…/broken`. */
export async function openReceiver(answer) {
  const receiver = { received: [] };
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      receiver.received.push({ headers: request.headers, body: Buffer.concat(chunks) });
      response.writeHead(request.url.endsWith("/broken") ? 500 : 200, { "Content-Type": "text/html" }).end(answer);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  receiver.url = `http://127.0.0.1:${server.address().port}/hook`;
  receiver.close = () => {
    server.closeAllConnections();
    server.close();
  };
  return receiver;
}

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Has the server killed and started again by whoever started this walk. */
export async function restartServer() {
  console.log("please restart the server");
  assert.equal((await answers.next()).value, "done");
}

/** Lets this process end. */
export function finish() {
  process.stdin.destroy();
}
