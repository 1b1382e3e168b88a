// Two of the staff at one ticket, each in a browser of their own: who looks, who writes. And what a
// page does that is sent away for a moment. Each step is a promise. Started by main.rs.

import assert from "node:assert/strict";
import { Api, base, finish, inspect, openBrowser, openPage, step, until } from "./desk.mjs";

const PASSWORD = "a long walk in the park";
/** Longer than a word of somebody's writing holds, ms. */
const FORGOTTEN_MS = 7_000;
/** How long a server asks a page to stay away, and how the page's clock goes on meanwhile, ms. */
const AWAY_MS = 4_000;
const STEP_MS = 200;

const browsers = [await openBrowser(), await openBrowser()];
const [ada, ben] = [await openPage(browsers[0]), await openPage(browsers[1])];
const api = {};
/** What Ada's page says on its socket. */
const said = [];
ada.on("websocket", (socket) => socket.on("framesent", ({ payload }) => said.push(JSON.parse(payload))));
await ben.clock.install();

const heading = (page, name) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
const pill = (page, words) => page.locator(".page-head .pill").filter({ hasText: words }).waitFor();
const write = (page) => page.locator(".composer-text");
const company = (page) => page.locator(".company");
/** Waits until the line says exactly this. */
const reads = (page, words) => until(words || "an empty line", async () => {
  const text = (await company(page).textContent()).replace(/\s+/g, " ").trim();
  return text === words;
});

async function signIn(page, who, path) {
  await page.goto(`${base}${path}`);
  await page.getByLabel("E-mail").fill(`${who}@example.com`);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.keyboard.press("Enter");
}

await step("a desk with two agents, a customer and a ticket", async () => {
  const link = new URL(process.env.DESKBELL_SETUP_LINK);
  const token = new URLSearchParams(link.hash.slice(1)).get("token");
  await new Api().post("/setup", { token, tenant_name: "Walkers", name: "Vera Walker", email: "vera@example.com", password: PASSWORD });
  api.vera = await Api.signIn("vera@example.com", PASSWORD);
  for (const [who, name, role] of [["ada", "Ada Okafor", "agent"], ["ben", "Ben Sørensen", "supervisor"], ["carl", "Carl Customer", "customer"]]) {
    await api.vera.post("/users", { email: `${who}@example.com`, name, role, password: PASSWORD });
    api[who] = await Api.signIn(`${who}@example.com`, PASSWORD);
  }
  api.ticket = await api.carl.post("/tickets", { subject: "Label printer eats labels", description: "Every third one." });
});

await step("who opens a ticket is seen by who has it open, and sees them", async () => {
  await signIn(ada, "ada", "/admin/tickets/1");
  await heading(ada, "Label printer eats labels");
  await pill(ada, /^Live$/);
  assert.equal(await company(ada).textContent(), "");
  await signIn(ben, "ben", "/admin/tickets/1");
  await heading(ben, "Label printer eats labels");
  await reads(ada, "Ben Sørensen is looking at this.");
  await reads(ben, "Ada Okafor is looking at this.");
  assert.equal(await company(ben).getAttribute("aria-live"), "polite");
  await inspect(ada, "ticket-company");
});

await step("who writes is seen to write, and no more once it is sent", async () => {
  said.length = 0;
  await write(ada).pressSequentially("Which paper is in the tray? Please look at the label.", { delay: 5 });
  await reads(ben, "Ada Okafor is writing…");
  const words = said.filter(({ type }) => type === "typing");
  assert.ok(words.length >= 1 && words.length <= 3, `${words.length} words for 50 letters`);
  assert.deepEqual(words[0].payload, { room: `ticket:${api.ticket.id}`, active: true, visibility: "public" });
  await write(ada).press("Control+Enter");
  await reads(ben, "Ada Okafor is looking at this.");
});

await step("an internal note is called one, and who stops without a word is forgotten in time", async () => {
  await ada.getByRole("radio", { name: "Internal note" }).check();
  await write(ada).pressSequentially("Between us");
  await reads(ben, "Ada Okafor is writing an internal note…");
  await ben.clock.fastForward(FORGOTTEN_MS);
  await reads(ben, "Ada Okafor is looking at this.");
  await write(ada).fill("");
});

await step("a customer who says that they write and look is not on the line", async () => {
  const page = await openPage(browsers[0]);
  await page.goto(`${base}/kb`);
  const heard = [];
  await page.exposeFunction("hear", (text) => heard.push(JSON.parse(text)));
  await page.evaluate(([url, token]) => {
    window.socket = new WebSocket(url, ["bearer", token]);
    window.socket.addEventListener("message", ({ data }) => window.hear(data));
  }, [`${base.replace("http", "ws")}/ws?v=2`, api.carl.token]);
  await until("hello", () => heard.find(({ type }) => type === "hello"));
  const room = `ticket:${api.ticket.id}`;
  for (const [type, payload] of [["room.join", { room }], ["viewing", { room }], ["typing", { room, visibility: "public" }]]) {
    await page.evaluate((text) => window.socket.send(text), JSON.stringify({ type, ref: type, payload }));
    assert.equal((await until(type, () => heard.find(({ ref }) => ref === type))).type, "reply");
  }
  await write(ada).pressSequentially("Still between us");
  await reads(ben, "Ada Okafor is writing an internal note…");
  assert.deepEqual(heard.filter(({ type }) => type === "typing" || type === "viewing"), [], "and hears nothing of the note");
  await page.context().close();
  await write(ada).fill("");
  await reads(ben, "Ada Okafor is looking at this.");
});

await step("who goes to another page is gone from the line", async () => {
  await ben.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Tickets", exact: true }).click();
  await heading(ben, "Tickets");
  await reads(ada, "");
  await ben.goBack();
  await heading(ben, "Label printer eats labels");
  await reads(ada, "Ben Sørensen is looking at this.");
  await reads(ben, "Ada Okafor is looking at this.");
});

await step("a page that is sent away stays away as long as it is asked to, and says so", async () => {
  const page = await openPage(browsers[0]);
  let opened = 0;
  let line = null;
  let closed = false;
  const leave = (socket) => socket.close({ code: 1012, reason: JSON.stringify({ c: "restart", reconnect: true, retry_in_ms: AWAY_MS }) });
  await page.routeWebSocket(/\/ws\?/, (socket) => {
    opened += 1;
    line = socket;
    if (closed) leave(socket);
    else socket.connectToServer();
  });
  await page.clock.install();
  await signIn(page, "ada", "/admin/tickets/1");
  await pill(page, /^Live$/);
  await page.clock.pauseAt(Date.now() + 60_000);
  const before = opened;
  closed = true;
  await leave(line);
  await pill(page, /^Reconnecting$/);
  assert.equal(await page.locator(".page-head .pill").getAttribute("title"), "The server is restarting.");
  for (let round = 1; round <= 3; round += 1) {
    if (round === 3) closed = false;
    let away = 0;
    await until("another try", async () => {
      if (opened > before + round - 1) return true;
      await page.clock.runFor(STEP_MS);
      away += STEP_MS;
      return false;
    });
    assert.equal(opened, before + round, "one try");
    assert.ok(away >= AWAY_MS, `back after ${away} ms`);
  }
  await pill(page, /^Live$/);
  await reads(page, "Ben Sørensen is looking at this.");
  await page.context().close();
});

for (const browser of browsers) await browser.close();
finish();
