// A walk through all pages as one person would take it, each step a promise. Started by main.rs.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { Api, base, finish, forgiving, inspect, openBrowser, openPage, openReceiver, restartServer, step, until } from "./desk.mjs";
import { lookAfterWebhooks } from "./hooks.mjs";

const EMAIL = "vera@example.com";
const PASSWORD = "a long walk in the park";
const HOSTILE = "<img src=x onerror=alert(1)>";

const browser = await openBrowser();
const receiver = await openReceiver(HOSTILE);
const page = await openPage(browser);
let api;

const feed = page.locator(".feed");
const pill = page.locator(".page-head .pill");
const live = () => pill.filter({ hasText: /^Live$/ }).waitFor();
const heading = (name) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
const open = async (name, title = name) => {
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name, exact: true }).click();
  await heading(title);
};
/** Nothing hostile became an element. */
const harmless = async () => assert.equal(await page.locator("img").count(), 0);
const mark = () => page.evaluate(() => { window.notReloaded = true; });
const notReloaded = async () => assert.equal(await page.evaluate(() => window.notReloaded), true);

await step("the set-up link makes the first administrator, and is over then", async () => {
  await page.goto(process.env.DESKBELL_SETUP_LINK);
  await inspect(page, "setup");
  await page.getByRole("button", { name: "Open the desk" }).click();
  await page.getByText("An e-mail address, such as").waitFor();
  await page.getByLabel("Organisation").fill("Walkers");
  await page.getByLabel("Your name").fill("Vera Walker");
  await page.getByLabel("E-mail").fill(EMAIL);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("Password again").fill(PASSWORD);
  await page.getByRole("button", { name: "Open the desk" }).click();
  await heading("Live");
  await live();
  const again = await fetch(`${base}/setup`, { headers: { Accept: "text/html" } });
  assert.equal(again.status, 404);
  api = await Api.signIn(EMAIL, PASSWORD);
});

await step("signing out leads to the sign-in, which a keyboard alone can pass", async () => {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out.").waitFor();
  await inspect(page, "sign-in");
  await page.reload();
  await heading("Sign in");
  await page.keyboard.type(EMAIL);
  await page.keyboard.press("Tab");
  await page.keyboard.type("not the password");
  await forgiving([/401 \(Unauthorized\)/], async () => {
    await page.keyboard.press("Enter");
    await page.getByText(/password is wrong/).waitFor();
  });
  for (;;) {
    await page.keyboard.press("Shift+Tab");
    if (await page.evaluate(() => document.activeElement.name === "email")) break;
  }
  await page.keyboard.press("Tab");
  await page.keyboard.press("Control+A");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  await heading("Live");
  await live();
});

await step("an event appears within moments and without a reload", async () => {
  await mark();
  const bell = page.locator(".side .brand .mark");
  const place = await bell.evaluate((struck) => {
    const where = () => [getComputedStyle(struck).position, struck.clientWidth].join();
    window.struckAt = new Promise((found) => {
      new MutationObserver(() => found(where())).observe(struck, { attributeFilter: ["class"] });
    });
    return where();
  });
  const { seq } = await api.post("/events", { type: "order.paid", data: { order: "A-17", total: 42 } });
  assert.equal(await page.evaluate(() => window.struckAt), place, "the bell is struck where it stands");
  const line = feed.getByRole("button").filter({ hasText: "A-17" });
  await line.waitFor({ timeout: 3_000 });
  await line.click();
  await feed.getByText('"total": 42').waitFor();
  assert.equal(await line.locator(".seq").textContent(), `number ${seq}`);
  await notReloaded();
  await inspect(page, "live");
});

await step("hostile names are shown as text everywhere", async () => {
  const user = await api.post("/users", { email: "eve@example.com", name: HOSTILE, role: "agent", password: PASSWORD });
  const eve = await Api.signIn("eve@example.com", PASSWORD);
  await api.post("/events", { type: "order.paid", data: { order: HOSTILE, [HOSTILE]: "<script>alert(2)</script>" } });
  await eve.post("/agent-state/me", { state: "busy", reason: HOSTILE });
  await api.put(`/agent-state/${user.id}`, { state: "available", reason: "javascript:alert(3)" });
  await feed.getByRole("button").filter({ hasText: `order ${HOSTILE}` }).click();
  await feed.getByRole("button").filter({ hasText: "javascript:alert(3)" }).waitFor();
  await page.locator(".strip").getByText(HOSTILE).waitFor();
  await harmless();
  await open("Agents");
  await page.locator(".board").getByText(HOSTILE).waitFor();
  await harmless();
});

await step("one's own state is chosen on the board, and the feed tells it", async () => {
  await page.getByLabel("Busy", { exact: true }).check();
  await page.locator(".agent", { hasText: "Vera Walker (you)" }).getByText("Busy").waitFor();
  assert.equal((await api.get("/agent-state/me")).state, "busy");
  await inspect(page, "agents");
  await open("Live");
  await feed.getByRole("button").filter({ hasText: "Vera Walker is now busy" }).waitFor();
});

await step("a supervisor names a reason, chooses it, and changes what somebody else does", async () => {
  await open("Agents");
  await page.getByRole("button", { name: "Reasons and wrap-up" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("New reason").fill("Lunch");
  await dialog.getByLabel("Minutes at most").fill("0");
  await forgiving([/422/], async () => {
    await dialog.getByRole("button", { name: "Add the reason" }).click();
    await dialog.getByText("Must be 1 to 1440").waitFor();
  });
  await dialog.getByLabel("Minutes at most").fill("45");
  await dialog.getByRole("button", { name: "Add the reason" }).click();
  await dialog.getByRole("listitem").filter({ hasText: "Lunch away, at most 45 min" }).waitFor();
  await inspect(page, "agent-rules");
  await dialog.getByRole("button", { name: "Done" }).click();
  await page.getByLabel("Away", { exact: true }).check();
  const mine = page.locator(".agent", { hasText: "Vera Walker (you)" });
  await mine.getByText("Away", { exact: true }).waitFor();
  await page.getByLabel("Your reason").selectOption("Lunch");
  await mine.getByText("Lunch", { exact: true }).waitFor();
  assert.equal((await api.get("/agent-state/me")).reason, "Lunch");
  await mine.locator("time", { hasText: /^for \d+ s$/ }).waitFor();
  const eve = page.locator(".agent", { hasText: HOSTILE });
  await eve.getByRole("button", { name: `Change the state of ${HOSTILE}` }).click();
  await dialog.getByLabel("State", { exact: true }).selectOption("busy");
  await dialog.getByLabel("Reason", { exact: true }).fill("stocktaking");
  await dialog.getByLabel("Seconds after a call").fill("10");
  await inspect(page, "agent-change");
  await dialog.getByRole("button", { name: "Save" }).click();
  await eve.getByText("Busy", { exact: true }).waitFor();
  await eve.getByText("stocktaking").waitFor();
  await page.getByLabel("Busy", { exact: true }).check();
  await mine.getByText("Busy", { exact: true }).waitFor();
});

await step("who is online counts this page", async () => {
  await open("Who is online");
  const row = page.getByRole("row").filter({ hasText: "Vera Walker" });
  await until("one connection", async () => (await row.locator("td").last().textContent()) === "1" || null);
  await inspect(page, "online");
});

const secret = await step("a webhook is made, its secret shown once", async () => {
  await open("Webhooks");
  await inspect(page, "webhooks-empty");
  await page.getByRole("button", { name: "New webhook" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Create webhook" }).click();
  await dialog.getByText("Choose at least one kind of event").waitFor();
  await dialog.getByLabel("Name", { exact: true }).fill(`Ledger ${HOSTILE}`);
  await dialog.getByLabel("Address", { exact: true }).fill(receiver.url);
  await dialog.getByLabel("Search kinds of events").fill("order.*");
  await page.keyboard.press("Enter");
  await dialog.getByLabel("Search kinds of events").fill("agent");
  await dialog.getByLabel("agent.*", { exact: true }).check();
  assert.equal(await dialog.locator(".error").count(), 0, "what was mended is not called wrong");
  await inspect(page, "webhook-form");
  await dialog.getByRole("button", { name: "Create webhook" }).click();
  await dialog.getByText("it is not shown again").waitFor();
  const shown = await dialog.locator(".secret").textContent();
  await inspect(page, "webhook-secret");
  await dialog.getByRole("button", { name: "I have kept it" }).click();
  await heading(`Ledger ${HOSTILE}`);
  return shown;
});

await step("its test button delivers, signed, and the log shows the answer as text", async () => {
  await page.getByRole("button", { name: "Send test" }).click();
  await page.getByText("The test arrived.").waitFor();
  const { headers, body } = await until("the delivery", () => receiver.received.find((r) => r.headers["x-webhook-event"] === "webhook.test"));
  const expected = createHmac("sha256", secret).update(body).digest("hex");
  assert.equal(headers["x-webhook-signature"], `sha256=${expected}`);
  const row = page.getByRole("row").filter({ hasText: "webhook.test" });
  await row.getByText("HTTP 200").waitFor();
  await row.getByRole("button", { name: /Details/ }).click();
  await page.getByLabel("What the receiver answered").getByText(HOSTILE).waitFor();
  await harmless();
  await inspect(page, "webhook");
});

await step("an event reaches it, and its numbers say so", async () => {
  await api.post("/events", { type: "order.paid", data: { order: "B-2" } });
  await page.getByRole("row").filter({ hasText: "order.paid" }).first().waitFor();
  await page.getByLabel("Show").selectOption("failed");
  await page.getByText("Nothing of that kind").waitFor();
  await page.getByLabel("Show").selectOption("");
  await page.locator(".tile", { hasText: "Success" }).getByText("100 %").waitFor();
});

await step("it is changed, paused and resumed", async () => {
  await page.getByRole("button", { name: "Edit" }).click();
  await page.getByRole("dialog").getByLabel("Name", { exact: true }).fill("Ledger");
  await page.getByRole("dialog").getByLabel("Time-out, seconds").fill("31");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("A whole number from 1 to 30").waitFor();
  await page.getByRole("dialog").getByLabel("Time-out, seconds").fill("7");
  await page.getByRole("button", { name: "Save" }).click();
  await heading("Ledger");
  await page.getByText("7 s time-out").waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await page.locator(".page-head").getByText("Paused").waitFor();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.locator(".page-head").getByText("Active").waitFor();
  await open("Webhooks");
  await page.getByRole("row").filter({ hasText: "Ledger" }).getByText("100 %").waitFor();
  await inspect(page, "webhooks");
});

await lookAfterWebhooks({ page, api, open, heading, hostile: HOSTILE });

await step("a killed server is waited for, and nothing that happened meanwhile is missing", async () => {
  await open("Live");
  await live();
  await mark();
  await forgiving([/WebSocket connection/, /Failed to load resource/], async () => {
    await api.post("/events", { type: "order.paid", data: { order: "before" } });
    await page.evaluate(() => {
      const node = document.querySelector(".page-head .pill");
      window.pillSaid = [];
      const note = () => window.pillSaid.push(node.textContent);
      new MutationObserver(note).observe(node, { childList: true, characterData: true, subtree: true });
    });
    await restartServer();
    for (let i = 0; i < 30; i += 1) await api.post("/events", { type: "order.paid", data: { order: `away-${i}` } });
    await feed.getByRole("button").filter({ hasText: "away-29" }).waitFor();
    await live();
    const said = await page.evaluate(() => window.pillSaid);
    assert.ok(said.includes("Reconnecting"), `the pill said ${said}`);
  });
  await notReloaded();
  const told = await page.locator(".feed .seq").allTextContents();
  const shown = told.map((text) => Number(text.replace("number ", ""))).reverse();
  // The test of the webhook was rung in no room: sockets do not hear it.
  const logged = (await api.get("/events?limit=500")).filter(({ room }) => room !== "nowhere").map(({ seq }) => seq);
  assert.deepEqual(shown, logged.slice(-shown.length), "the feed is the log");
});

await step("a session that would end soon is renewed without anybody noticing", async () => {
  await page.context().routeWebSocket(/\/ws/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((text) => {
      const frame = JSON.parse(text);
      if (frame.type === "hello") frame.payload.token_ttl_s = 121;
      socket.send(JSON.stringify(frame));
    });
  });
  const renewed = page.waitForResponse((response) => response.url().endsWith("/auth/refresh"));
  await page.reload();
  assert.equal((await renewed).status(), 200);
  await heading("Live");
});

await step("paths that lead nowhere say so", async () => {
  await page.goto(`${base}/admin/nowhere`);
  await heading("No such page");
  await inspect(page, "no-such-page");
  await forgiving([/404 \(Not Found\)/], async () => {
    const stranger = await openPage(browser);
    assert.equal((await stranger.goto(`${base}/nowhere`)).status(), 404);
    await inspect(stranger, "not-found");
    await stranger.context().close();
  });
});

await step("a small screen has the same pages behind its menu", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole("button", { name: "Menu" }).click();
  await open("Agents");
  await inspect(page, "agents-small");
  await page.setViewportSize({ width: 1280, height: 800 });
});

await step("a customer who comes in here is led to their own pages", async () => {
  await api.post("/users", { email: "carl@example.com", name: "Carl", role: "customer", password: PASSWORD });
  const guest = await openPage(browser);
  await guest.goto(base);
  await guest.getByLabel("E-mail").fill("carl@example.com");
  await guest.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await guest.keyboard.press("Enter");
  await guest.getByRole("heading", { level: 1, name: "Hello, Carl" }).waitFor();
  assert.equal(new URL(guest.url()).pathname, "/help");
  await guest.context().close();
});

await step("a webhook is deleted only after asking", async () => {
  await open("Webhooks");
  await page.getByRole("link", { name: "Ledger" }).click();
  await heading("Ledger");
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete webhook" }).click();
  await page.getByText("No webhooks yet").waitFor();
});

await step("a sign-in that is ended elsewhere ends here within moments", async () => {
  const sessions = await api.get("/auth/sessions");
  await forgiving([/401 \(Unauthorized\)/, /WebSocket connection/], async () => {
    for (const { id, current: own } of sessions) if (!own) await api.delete(`/auth/sessions/${id}`);
    await page.getByText("Your session has ended.").waitFor();
  });
});

await step("signing in again leads back, and signing out ends it", async () => {
  await page.getByLabel("E-mail").fill(EMAIL);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.keyboard.press("Enter");
  await heading("Webhooks");
  await page.getByRole("button", { name: "Sign out" }).click();
  await heading("Sign in");
  await page.goto(`${base}/admin/webhooks`);
  await heading("Sign in");
});

await browser.close();
receiver.close();
finish();
