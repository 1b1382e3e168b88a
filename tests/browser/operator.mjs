// What an administrator sees of the machinery: connections and their end, the tail of events, and
// where one event went. Each step is a promise. Started by main.rs.

import assert from "node:assert/strict";
import { Api, base, finish, forgiving, inspect, openBrowser, openPage, openReceiver, step } from "./desk.mjs";

const PASSWORD = "a long walk in the park";
const HOSTILE = "<img src=x onerror=alert(1)>";

const browser = await openBrowser();
const receiver = await openReceiver("thanks");
const [vera, ada] = [await openPage(browser), await openPage(browser)];
const api = {};

const heading = (page, name) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
const pill = (page) => page.locator(".page-head .pill");
const row = (page, words) => page.getByRole("row").filter({ hasText: words });
const harmless = async (page) => assert.equal(await page.locator("img").count(), 0);
const open = async (page, name) => {
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name, exact: true }).click();
  await heading(page, name);
};
const signIn = async (page, email) => {
  await page.goto(`${base}/admin`);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.keyboard.press("Enter");
  await heading(page, "Live");
  await pill(page).filter({ hasText: /^Live$/ }).waitFor();
};
const journey = (page) => page.locator(".journey");

await step("a desk with an administrator, agents and two webhooks, one of them broken", async () => {
  const link = new URL(process.env.DESKBELL_SETUP_LINK);
  const token = new URLSearchParams(link.hash.slice(1)).get("token");
  await new Api().post("/setup", { token, tenant_name: "Walkers", name: "Vera Walker", email: "vera@example.com", password: PASSWORD });
  api.vera = await Api.signIn("vera@example.com", PASSWORD);
  for (const [who, name] of [["ada", "Ada Okafor"], ["eve", HOSTILE]]) {
    const { id } = await api.vera.post("/users", { email: `${who}@example.com`, name, role: "agent", password: PASSWORD });
    api[who] = await Api.signIn(`${who}@example.com`, PASSWORD);
    api[who].id = id;
  }
  const events = ["order.*", "ticket.*"];
  await api.vera.post("/webhooks", { name: "Ledger", url: receiver.url, events });
  await api.vera.post("/webhooks", { name: `Broken ${HOSTILE}`, url: `${receiver.url}/broken`, events });
});

await step("connections appear by themselves, and this page is marked", async () => {
  await signIn(vera, "vera@example.com");
  await open(vera, "Open connections");
  await row(vera, "Vera Walker").getByText("this page").waitFor();
  await signIn(ada, "ada@example.com");
  await row(vera, "Ada Okafor").getByText("WebSocket").waitFor();
  const toggle = row(vera, "Ada Okafor").getByRole("button", { name: /^Details/ });
  await toggle.click();
  await vera.getByText(/everyone, user:[0-9a-f-]+, tenant, role:agent/).waitFor();
  await vera.getByText(/HeadlessChrome/).waitFor();
  // What was opened stays open while the list is read again, and the focus stays where it was.
  await vera.waitForResponse((response) => response.url().includes("/ws/connections"));
  await vera.waitForResponse((response) => response.url().includes("/ws/connections"));
  assert.equal(await toggle.getAttribute("aria-expanded"), "true");
  assert.ok(await toggle.evaluate((node) => node === document.activeElement));
  await inspect(vera, "connections");
});

await step("hostile names, of people and of programs, are words", async () => {
  const eve = await openPage(browser, { userAgent: HOSTILE });
  await signIn(eve, "eve@example.com");
  await row(vera, HOSTILE).getByRole("button", { name: /^Details/ }).click();
  await vera.getByRole("code").filter({ hasText: HOSTILE }).waitFor();
  await harmless(vera);
  await eve.context().close();
  await vera.getByRole("row", { name: `${HOSTILE} agent` }).waitFor({ state: "detached" });
});

await step("a connection is ended only after asking, and does not come back by itself", async () => {
  const end = row(vera, "Ada Okafor").getByRole("button", { name: /^Disconnect/ });
  await end.click();
  await inspect(vera, "connections-ask");
  await vera.getByRole("alertdialog").getByRole("button", { name: "Cancel" }).click();
  assert.equal(await pill(ada).textContent(), "Live");
  await end.click();
  await vera.getByRole("alertdialog").getByRole("button", { name: "Disconnect", exact: true }).click();
  await row(vera, "Ada Okafor").waitFor({ state: "detached" });
  await pill(ada).filter({ hasText: "Disconnected" }).waitFor();
  assert.match(await pill(ada).getAttribute("title"), /An administrator ended/);
  await ada.reload();
  await pill(ada).filter({ hasText: /^Live$/ }).waitFor();
  await row(vera, "Ada Okafor").waitFor();
});

await step("one person's connections are reached from who is online", async () => {
  await open(vera, "Who is online");
  await row(vera, "Ada Okafor").getByRole("link", { name: "1" }).click();
  await vera.getByText("Only those of Ada Okafor.").waitFor();
  await row(vera, "Ada Okafor").waitFor();
  assert.equal(await row(vera, "Vera Walker").count(), 0);
  await vera.getByRole("link", { name: "Show all" }).click();
  await row(vera, "Vera Walker").waitFor();
});

await step("the bell of the mark rings where it hangs", async () => {
  const position = await vera.evaluate(() => {
    const mark = document.querySelector(".side .brand .mark");
    mark.classList.add("struck");
    const found = getComputedStyle(mark).position;
    mark.classList.remove("struck");
    return found;
  });
  assert.equal(position, "static");
});

await step("the tail of events is filtered by kind and by who did it, and paused", async () => {
  await open(vera, "Live");
  const line = (words) => vera.locator(".feed").getByRole("button").filter({ hasText: words });
  await vera.getByLabel("Filter by who did it").fill("okaf");
  await api.vera.post("/events", { type: "order.paid", data: { order: "by-vera" } });
  await api.ada.post("/events", { type: "order.paid", data: { order: "by-ada" } });
  await line("by-ada").waitFor();
  assert.equal(await line("by-vera").count(), 0);
  await vera.getByLabel("Filter by kind of event").fill("ticket");
  await vera.getByText("Nothing like that yet").waitFor();
  await vera.getByLabel("Filter by kind of event").fill("order.*");
  await line("by-ada").waitFor();
  await vera.getByRole("button", { name: "Pause" }).click();
  await api.ada.post("/events", { type: "order.paid", data: { order: "while-paused" } });
  await vera.getByRole("button", { name: "Resume (1 new)" }).waitFor();
  assert.equal(await line("while-paused").count(), 0);
  await inspect(vera, "live-filtered");
  await vera.getByRole("button", { name: "Resume (1 new)" }).click();
  await line("while-paused").waitFor();
  await vera.getByLabel("Filter by who did it").fill("");
  await line("by-vera").waitFor();
});

await step("an event's own page tells where it went: sessions, and every attempt", async () => {
  await vera.locator(".feed").getByRole("button").filter({ hasText: "by-ada" }).click();
  await vera.getByRole("link", { name: /^Its own page/ }).click();
  await vera.getByRole("heading", { level: 1, name: /by-ada/ }).waitFor();
  await journey(vera).getByText("Committed").waitFor();
  await journey(vera).getByText("Handed to 2 connections").waitFor();
  await journey(vera).getByText("2 by WebSocket").waitFor();
  const to = (name) => journey(vera).getByRole("listitem").filter({ hasText: `To webhook ${name}` });
  await to("Ledger").getByText("delivered").waitFor();
  await to("Ledger").getByText("HTTP 200").waitFor();
  await to("Broken").getByText("HTTP 500").first().waitFor();
  await to("Broken").getByText("Next try").waitFor();
  await vera.getByText("Staff: agents, supervisors and administrators").waitFor();
  await harmless(vera);
  await inspect(vera, "event");
});

await step("a ticket's history leads to each of its events, with what changed", async () => {
  const ticket = await api.ada.post("/tickets", { subject: "No dial tone", description: "Since noon." });
  await api.ada.patch(`/tickets/${ticket.id}`, { priority: "urgent" });
  await vera.goto(`${base}/admin/tickets/${ticket.id}`);
  await heading(vera, "No dial tone");
  await vera.getByText("History", { exact: true }).click();
  const changed = vera.locator(".history > li").filter({ hasText: "urgent" });
  await changed.getByRole("link", { name: /^event \d+$/ }).click();
  await vera.getByRole("heading", { level: 2, name: "What changed" }).waitFor();
  assert.match(await vera.locator(".before-after > div", { hasText: "priority" }).textContent(), /before "\w+" → after "urgent"/);
  await inspect(vera, "event-changes");
});

await step("a webhook's log leads to the event of each attempt", async () => {
  await open(vera, "Webhooks");
  await vera.getByRole("link", { name: "Ledger" }).click();
  await heading(vera, "Ledger");
  const first = row(vera, "order.paid").first();
  await first.getByRole("button", { name: /Details/ }).click();
  const link = vera.locator(".detail .facts a").first();
  const seq = await link.textContent();
  await link.click();
  await journey(vera).getByText("Committed").waitFor();
  assert.equal(new URL(vera.url()).pathname, `/admin/events/${seq}`);
});

await step("of an event for one person it is told where it went, not what it says", async () => {
  const { seq } = await api.vera.post("/events", { type: "order.paid", data: { word: "between-us" }, user_id: api.ada.id });
  await vera.goto(`${base}/admin/events/${seq}`);
  await vera.getByText("for one person alone").waitFor();
  await vera.getByText("Ada Okafor alone").waitFor();
  await journey(vera).getByText("Handed to 1 connection").waitFor();
  assert.equal(await vera.getByText("between-us").count(), 0);
  await inspect(vera, "event-private");
});

await step("what is not there says so", async () => {
  await forgiving([/404 \(Not Found\)/], async () => {
    await vera.goto(`${base}/admin/events/999999`);
    await vera.getByText("There is no such event").waitFor();
  });
});

await step("an agent reads an event, but sees neither its journey nor connections", async () => {
  const { seq } = await api.vera.post("/events", { type: "order.paid", data: { order: "for-all" } });
  await ada.goto(`${base}/admin/events/${seq}`);
  await ada.getByRole("heading", { level: 1, name: /for-all/ }).waitFor();
  await ada.getByRole("heading", { level: 2, name: "Who may hear it" }).waitFor();
  assert.equal(await journey(ada).count(), 0);
  assert.equal(await ada.getByRole("link", { name: "Open connections" }).count(), 0);
  await ada.goto(`${base}/admin/connections`);
  await heading(ada, "Not for you");
});

await step("a journey goes on under one's eyes", async () => {
  const { seq } = await api.vera.post("/events", { type: "order.paid", data: { order: "watched" } });
  const [, broken] = (await api.vera.get(`/events/${seq}/journey`)).deliveries;
  await vera.goto(`${base}/admin/events/${seq}`);
  const last = journey(vera).getByRole("listitem").filter({ hasText: "To webhook Broken" });
  await last.getByText("waiting", { exact: true }).waitFor();
  await api.vera.post(`/deliveries/${broken.id}/cancel`);
  await last.getByText("cancelled", { exact: true }).waitFor();
});

await browser.close();
receiver.close();
finish();
