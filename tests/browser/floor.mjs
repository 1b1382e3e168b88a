// The wallboard and the reports: what happens on the telephone stands on the wall within a second, a
// wall that is cut says so, and supervisors say from when on it should worry. Started by main.rs.

import assert from "node:assert/strict";
import { Api, base, finish, forgiving, inspect, openBrowser, openPage, restartServer, step, until } from "./desk.mjs";

const PASSWORD = "a long walk in the park";
const HOSTILE = "<img src=x onerror=alert(1)>";
const api = {};

const browser = await openBrowser();
const wall = await openPage(browser);

const heading = (page, name) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
const row = (table, words) => wall.getByRole("table", { name: table }).getByRole("row").filter({ hasText: words });
const tile = (name) => wall.locator(".wall-tile").filter({ has: wall.locator("dt", { hasText: new RegExp(`^${name}$`) }) });

await step("a desk with an administrator, an agent, and a caller with a hostile name", async () => {
  const link = new URL(process.env.DESKBELL_SETUP_LINK);
  const token = new URLSearchParams(link.hash.slice(1)).get("token");
  await new Api().post("/setup", { token, tenant_name: "Walkers", name: "Vera Walker", email: "vera@example.com", password: PASSWORD });
  api.vera = await Api.signIn("vera@example.com", PASSWORD);
  const { id } = await api.vera.post("/users", { email: "ada@example.com", name: "Ada Okafor", role: "agent", password: PASSWORD });
  api.ada = await Api.signIn("ada@example.com", PASSWORD);
  api.ada.id = id;
  await api.ada.post("/agent-state/me", { state: "available" });
});

await step("the wall shows who is there", async () => {
  await wall.goto(`${base}/admin/board`);
  await wall.getByLabel("E-mail").fill("vera@example.com");
  await wall.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await wall.keyboard.press("Enter");
  await heading(wall, "Wallboard");
  await wall.getByText("● Live").waitFor();
  await row("Agents", "Ada Okafor").getByText("Available").waitFor();
});

await step("a call moves from waiting to answered within a second", async () => {
  const { id } = await api.ada.post("/calls", { direction: "inbound", from_number: "+49 30 987654", from_name: HOSTILE, queue: "hardware" });
  api.call = id;
  const began = Date.now();
  await row("Waiting callers", HOSTILE).waitFor();
  await row("Queues", "hardware").waitFor();
  assert.ok(Date.now() - began < 1_000, `it took ${Date.now() - began} ms`);
  await tile("Waiting").locator("b", { hasText: /^1$/ }).waitFor();
  await api.ada.post(`/calls/${id}/answer`);
  const answered = Date.now();
  await row("Agents", "Ada Okafor").getByText("On a call").waitFor();
  await row("Waiting callers", "Nobody waits.").waitFor();
  await tile("Waiting").locator("b", { hasText: /^0$/ }).waitFor();
  assert.ok(Date.now() - answered < 1_000, `it took ${Date.now() - answered} ms`);
  assert.equal(await wall.locator("img").count(), 0);
});

await step("times go on by themselves, and everybody can read the wall", async () => {
  const time = row("Agents", "Ada Okafor").locator("time");
  const before = await time.textContent();
  await until("the time goes on", async () => (await time.textContent()) !== before);
  await inspect(wall, "board");
});

await step("a supervisor sets thresholds, and the wall judges by them at once", async () => {
  await wall.getByRole("button", { name: "Thresholds" }).click();
  await inspect(wall, "board-thresholds");
  await wall.getByLabel("Callers waiting: worth a look").fill("9");
  await forgiving([/422 \(Unprocessable/], async () => {
    await wall.getByRole("button", { name: "Save" }).click();
    await wall.getByText(/not less than the warning/).waitFor();
  });
  await wall.getByLabel("Callers waiting: worth a look").fill("1");
  await wall.getByLabel("Callers waiting: too many").fill("2");
  await wall.getByLabel("Time zone of the day").fill("Europe/Berlin");
  await wall.getByRole("button", { name: "Save" }).click();
  await wall.getByRole("dialog").waitFor({ state: "detached" });
  for (let n = 0; n < 2; n += 1) await api.ada.post("/calls", { direction: "inbound", from_number: `+49 30 11111${n}`, queue: "hardware" });
  await tile("Waiting").and(wall.locator(".wall-bad")).waitFor();
  await tile("Waiting").getByText("■").waitFor();
  await inspect(wall, "board-bad");
});

await step("a wall that is cut says so, and comes back by itself", async () => {
  await forgiving([/WebSocket/, /ERR_INTERNET_DISCONNECTED/, /ERR_FAILED/, /Failed to load/, /ERR_CONNECTION/, /ERR_NETWORK/], async () => {
    // It says so as soon as the line is gone, and only until it has read the board again.
    const cut = wall.getByText(/■ Not up to date/).waitFor();
    await restartServer();
    await cut;
    await wall.getByText("● Live").waitFor();
  });
  await api.ada.post("/agent-state/me", { state: "away", reason: "Lunch" });
  await row("Agents", "Ada Okafor").getByText("then away").waitFor();
});

await step("reports are read as chart and table, filtered, and taken home", async () => {
  const open = wall.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Reports", exact: true });
  await open.click();
  await heading(wall, "Reports");
  await wall.getByRole("region", { name: "Agents' time" }).getByRole("row").filter({ hasText: "Ada Okafor" }).first().waitFor();
  await wall.getByText(/days of Europe\/Berlin/).waitFor();
  await inspect(wall, "reports");
  await wall.getByLabel("Report", { exact: true }).selectOption("calls");
  await wall.getByRole("region", { name: "Calls" }).getByRole("row").filter({ hasText: HOSTILE }).waitFor();
  assert.equal(await wall.locator("img").count(), 0);
  await wall.getByLabel("Report", { exact: true }).selectOption("service-level");
  await wall.getByLabel("Rows", { exact: true }).selectOption("hour");
  await wall.getByRole("region", { name: "Service level" }).getByText(/^\d\d:00$/).first().waitFor();
  const file = wall.waitForEvent("download");
  await wall.getByRole("link", { name: "CSV" }).click();
  assert.equal((await file).suggestedFilename(), "service-level.csv");
  await forgiving([/422 \(Unprocessable/], async () => {
    await wall.getByLabel("From", { exact: true }).fill("2020-01-01");
    await wall.getByText(/at most 366 days/).waitFor();
  });
});

await browser.close();
finish();
