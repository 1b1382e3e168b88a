// Two agents take calls, each in a browser of their own; callers come in by the API, as from a
// telephone system. Each step is a promise. Started by main.rs.

import assert from "node:assert/strict";
import { Api, base, finish, forgiving, inspect, openBrowser, openPage, SOON_MS, step, until } from "./desk.mjs";

const PASSWORD = "a long walk in the park";
const HOSTILE = "<img src=x onerror=alert(1)>";
const NUMBER = "+49 30 987654";

const browsers = [await openBrowser(), await openBrowser()];
const [ada, ben] = [await openPage(browsers[0]), await openPage(browsers[1])];
const api = {};
const ids = {};
const lists = [];
ada.on("request", (request) => {
  const url = new URL(request.url());
  if (url.pathname === "/api/v1/calls" && request.method() === "GET") lists.push(url.search);
});

const heading = (page, name) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
const live = (page) => page.locator(".page-head .pill").filter({ hasText: /^Live$/ }).waitFor();
const card = (page, words) => page.getByRole("region", { name: "Your calls" }).getByRole("article").filter({ hasText: words });
const press = (place, name) => place.getByRole("button", { name, exact: true }).click();
const row = (page, words) => page.getByRole("row").filter({ hasText: words });
const harmless = async (page) => assert.equal(await page.locator("img").count(), 0);
const incoming = (more = {}) => api.vera.post("/calls", { direction: "inbound", from_number: NUMBER, queue: "hardware", ...more });
const stateOf = async (who) => (await api[who].get("/agent-state/me")).state;
const open = async (page, name) => {
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name, exact: true }).click();
  await heading(page, name);
};

await step("a floor with two agents and a customer", async () => {
  const token = new URLSearchParams(new URL(process.env.DESKBELL_SETUP_LINK).hash.slice(1)).get("token");
  await new Api().post("/setup", { token, tenant_name: "Walkers", name: "Vera Walker", email: "vera@example.com", password: PASSWORD });
  api.vera = await Api.signIn("vera@example.com", PASSWORD);
  const people = { ada: ["Ada Okafor", "agent"], ben: ["Ben Sørensen", "supervisor"], carl: ["Carl Customer", "customer"] };
  for (const [who, [name, role]] of Object.entries(people)) {
    const phone = who === "carl" ? "030 / 98 76 54" : null;
    ids[who] = (await api.vera.post("/users", { email: `${who}@example.com`, name, role, password: PASSWORD, phone })).id;
    api[who] = await Api.signIn(`${who}@example.com`, PASSWORD);
  }
  await api.vera.post("/teams", { name: "Hardware", members: [ids.ada, ids.ben], queue_names: ["hardware", "late"] });
  await api.vera.patch("/agent-state/settings", { wrap_up_seconds: 600 });
  await api.carl.post("/tickets", { subject: "Label printer eats labels", description: "Every third one." });
  for (const [page, who] of [[ada, "ada"], [ben, "ben"]]) {
    await page.goto(`${base}/admin/calls`);
    await page.getByLabel("E-mail").fill(`${who}@example.com`);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.keyboard.press("Enter");
    await heading(page, "Calls");
    await page.getByText("No calls yet").waitFor();
    await live(page);
    await api[who].post("/agent-state/me", { state: "available" });
  }
  await inspect(ada, "calls-empty");
});

await step("a call appears in the list by itself, and where it is offered, without taking the focus", async () => {
  const search = ada.getByLabel("Search numbers");
  await search.focus();
  lists.length = 0;
  ids.call = (await incoming()).id;
  await row(ada, "Carl Customer").getByText("Waiting", { exact: true }).waitFor();
  await row(ada, "Carl Customer").getByText("in hardware").waitFor();
  await api.vera.post(`/calls/${ids.call}/ring`, { agent_id: ids.ada });
  const pop = card(ada, "Carl Customer");
  await pop.getByText("Rings for you").waitFor();
  await pop.getByText("Label printer eats labels").waitFor();
  await ada.getByRole("alert").filter({ hasText: "Call from Carl Customer in hardware rings for you" }).waitFor({ state: "attached" });
  assert.ok(await search.evaluate((node) => node === document.activeElement), "the focus stays");
  assert.match(await ada.title(), /^☎ Carl Customer/);
  assert.deepEqual(lists, [], "no list was asked for");
  assert.equal(await card(ben, "Carl Customer").count(), 0, "it rings for Ada alone");
  await inspect(ada, "call-rings");
});

await step("the keyboard reaches the card and comes back, and a reload finds it again", async () => {
  await ada.getByLabel("Search numbers").focus();
  await ada.keyboard.press("Alt+c");
  assert.equal(await ada.evaluate(() => document.activeElement.textContent), "Answer");
  await ada.keyboard.press("Alt+c");
  assert.equal(await ada.evaluate(() => document.activeElement.getAttribute("aria-label")), "Search numbers");
  await ada.goto(`${base}/admin/people`);
  await card(ada, "Carl Customer").getByText("Rings for you").waitFor();
  const link = card(ada, "Carl Customer").getByRole("link", { name: "Open customer's tickets" });
  assert.equal(await link.getAttribute("href"), `/admin/tickets?requester=${ids.carl}&sort=-created_at`);
});

await step("it is answered there; notes outlive a reload; hold and resume", async () => {
  const pop = card(ada, "Carl Customer");
  await ada.keyboard.press("Alt+c");
  await ada.keyboard.press("Enter");
  await pop.getByText("You are talking").waitFor();
  await until("Ada is on a call", async () => (await stateOf("ada")) === "on_call");
  assert.equal(await ada.evaluate(() => document.activeElement.dataset.deed), "hold", "the focus goes to the next deed");
  await pop.locator(".pop-time", { hasText: /^\d:\d\d$/ }).waitFor();
  await pop.getByLabel("Note").fill("Roll is upside down.");
  await inspect(ada, "call-talks");
  await ada.reload();
  await pop.getByText("You are talking").waitFor();
  assert.equal(await pop.getByLabel("Note").inputValue(), "Roll is upside down.");
  await press(pop, "Hold");
  await pop.getByText("On hold", { exact: true }).waitFor();
  assert.equal((await api.ada.get(`/calls/${ids.call}`)).status, "on_hold");
  await press(pop, "Resume");
  await pop.getByRole("button", { name: "Hold", exact: true }).waitFor();
});

await step("a ticket is made from it without leaving the page", async () => {
  const pop = card(ada, "Carl Customer");
  await press(pop, "New ticket");
  const dialog = ada.getByRole("dialog", { name: "New ticket from this call" });
  assert.equal(await dialog.getByLabel("Subject").inputValue(), "Call from Carl Customer");
  await dialog.getByLabel("Subject").fill("");
  await press(dialog, "Open ticket");
  await dialog.getByText("A few words, please").waitFor();
  await dialog.getByLabel("Subject").fill("Printer again");
  await inspect(ada, "call-ticket");
  await press(dialog, "Open ticket");
  await pop.getByRole("link", { name: "#2 Printer again" }).waitFor();
  await until("the focus is on the ticket", () => ada.evaluate(() => document.activeElement.textContent === "#2 Printer again"));
  const { ticket_id: id } = await api.ada.get(`/calls/${ids.call}`);
  const ticket = await api.ada.get(`/tickets/${id}`);
  assert.deepEqual([ticket.requester_id, ticket.assignee_id, ticket.channel], [ids.carl, ids.ada, "call"]);
});

await step("it is passed on to another agent, whose page shows it; the first one writes it up", async () => {
  await press(card(ada, "Carl Customer"), "Pass on");
  const dialog = ada.getByRole("dialog", { name: "Pass on the call with Carl Customer" });
  await dialog.getByRole("option", { name: "Ben Sørensen · available" }).waitFor({ state: "attached" });
  await press(dialog, "Pass on");
  await dialog.getByText("To whom?").waitFor();
  await dialog.getByLabel("Agent", { exact: true }).selectOption({ label: "Ben Sørensen · available" });
  await inspect(ada, "call-pass-on");
  await press(dialog, "Pass on");
  await card(ben, "Carl Customer").getByText("You are talking").waitFor();
  await card(ben, "Carl Customer").getByRole("link", { name: "#2 Printer again" }).waitFor();
  const pop = card(ada, "Carl Customer");
  await pop.getByText("Write it up", { exact: true }).waitFor();
  await pop.getByText(/^\d:\d\d to write it up$/).waitFor();
  assert.equal(await stateOf("ada"), "wrap_up");
  await until("the focus is on the form", () => pop.evaluate((node) => node.contains(document.activeElement)));
  assert.equal(await pop.getByRole("button", { name: "End", exact: true }).count(), 0, "what cannot be is not offered");
  await inspect(ada, "call-writes");
  await pop.getByLabel("What it was about").fill("Solved");
  assert.equal(await pop.getByLabel("Note").inputValue(), "Roll is upside down.");
  await press(pop, "Done");
  await pop.waitFor({ state: "detached" });
  assert.equal(await stateOf("ada"), "available");
  const call = await api.ada.get(`/calls/${ids.call}`);
  assert.deepEqual([call.disposition, call.note, call.agent_id], ["Solved", "Roll is upside down.", ids.ben]);
});

await step("agents' states tell with whom they speak; a supervisor sees the call", async () => {
  await open(ada, "Agents");
  const mine = ada.locator(".agent", { hasText: "Ben Sørensen" });
  await mine.getByText("On a call").waitFor();
  await inspect(ada, "agents-calls");
  await mine.getByRole("link", { name: /with Carl Customer/ }).click();
  await heading(ada, "Call from Carl Customer");
  await ada.getByText("Ada Okafor passed it on to Ben Sørensen").waitFor();
});

await step("the second agent ends their part on the call's own page and writes it up there", async () => {
  await card(ben, "Carl Customer").getByRole("link", { name: "All about this call" }).click();
  await heading(ben, "Call from Carl Customer");
  assert.equal(await card(ben, "Carl Customer").count(), 0, "the page is card enough");
  await press(ben.getByRole("group", { name: "What to do with this call" }), "End");
  await ben.getByText("Over: Answered").waitFor();
  assert.match(await ben.evaluate(() => document.activeElement.textContent), /Call back/, "the focus is not lost");
  await ada.getByText("Over: Answered").waitFor();
  const written = ben.getByRole("region", { name: "Written up" });
  assert.equal(await written.getByLabel("What it was about").inputValue(), "Solved");
  await written.getByLabel("Note").fill(`Roll is upside down. ${HOSTILE}`);
  await press(written, "Done");
  await ben.getByText(/Ben Sørensen wrote it up/).waitFor();
  assert.equal(await stateOf("ben"), "available");
  await ben.locator(".call-times", { hasText: /Waited \d:\d\d\s*talked \d:\d\d/ }).waitFor();
  await inspect(ben, "call");
  await ada.getByRole("region", { name: "Written up" }).getByLabel("Note").waitFor();
  await harmless(ada);
});

await step("who is not answered waits in the list of those to call back, until that was done", async () => {
  await open(ben, "Calls");
  await ben.getByRole("link", { name: "Missed, not returned" }).click();
  await ben.getByText("Everybody was called back").waitFor();
  const { id } = await incoming({ from_number: "+1 212 555 0100", from_name: HOSTILE });
  await api.vera.post(`/calls/${id}/ring`, { agent_id: ids.ben });
  await card(ben, HOSTILE).getByText("Rings for you").waitFor();
  await api.vera.post(`/calls/${id}/end`);
  await card(ben, HOSTILE).waitFor({ state: "detached" });
  const missed = row(ben, HOSTILE);
  await missed.getByText("Hung up").waitFor();
  await harmless(ben);
  await inspect(ben, "calls-missed");
  await missed.getByRole("button", { name: /^Call back/ }).click();
  await card(ben, "+1 212 555 0100").getByText("You are calling").waitFor();
  await missed.waitFor({ state: "detached" });
  await ben.getByText("Everybody was called back").waitFor();
  await press(card(ben, "+1 212 555 0100"), "They answered");
  await card(ben, "+1 212 555 0100").getByText("You are talking").waitFor();
  await press(card(ben, "+1 212 555 0100"), "End");
  await press(card(ben, "+1 212 555 0100"), "Done");
  await card(ben, "+1 212 555 0100").waitFor({ state: "detached" });
});

await step("what was written too late is kept until it is saved", async () => {
  await api.vera.patch("/agent-state/settings", { wrap_up_seconds: 600 });
  const { id } = await incoming();
  await api.ada.post(`/calls/${id}/answer`);
  const pop = card(ada, "Carl Customer");
  await pop.getByText("You are talking").waitFor();
  await pop.getByLabel("Note").fill("Call him on Monday.");
  await api.vera.post(`/calls/${id}/end`);
  await pop.getByText("Write it up", { exact: true }).waitFor();
  await api.ada.post(`/calls/${id}/wrapup`);
  await pop.getByText("Not saved yet").waitFor();
  await press(pop, "Save");
  await pop.waitFor({ state: "detached" });
  assert.equal((await api.ada.get(`/calls/${id}`)).note, "Call him on Monday.");
});

await step("it rings at two telephones at once, after a reload too, and who is quicker has it", async () => {
  const { id } = await incoming();
  for (const who of ["ada", "ben"]) await api.vera.post(`/calls/${id}/ring`, { agent_id: ids[who] });
  for (const page of [ada, ben]) await card(page, "Carl Customer").getByText("Rings for you").waitFor();
  // The call names Ben, for whom it rang last; to Ada it is hers all the same.
  await ada.goto(`${base}/admin/calls?agent=me&state=ringing`);
  await row(ada, "Carl Customer").waitFor();
  await card(ada, "Carl Customer").getByText("Rings for you").waitFor();
  await press(card(ada, "Carl Customer"), "Answer");
  await card(ben, "Carl Customer").waitFor({ state: "detached" });
  await press(card(ada, "Carl Customer"), "Fold the card");
  assert.equal(await card(ada, "Carl Customer").getByRole("button").count(), 1, "folded, it is a line");
  await press(card(ada, "Carl Customer"), "Show the whole card");
  await press(card(ada, "Carl Customer"), "End");
  await press(card(ada, "Carl Customer"), "Done");
  await card(ada, "Carl Customer").waitFor({ state: "detached" });
});

await step("of more than three calls a link tells", async () => {
  const calls = [];
  for (let i = 1; i <= 5; i += 1) calls.push(await incoming({ from_number: `+44 20 5550 10${i}` }));
  for (const { id } of calls) await api.vera.post(`/calls/${id}/ring`, { agent_id: ids.ada });
  await ada.getByRole("link", { name: "2 more calls" }).waitFor();
  assert.equal(await card(ada, "+44 20").count(), 3);
  await inspect(ada, "calls-many");
  for (const { id } of calls) await api.vera.post(`/calls/${id}/end`);
  await ada.getByRole("region", { name: "Your calls" }).waitFor({ state: "hidden" });
});

await step("a step that comes too late says why, and what is true is shown", async () => {
  const { id } = await incoming();
  await api.vera.post(`/calls/${id}/ring`, { agent_id: ids.ada });
  const pop = card(ada, "Carl Customer");
  await pop.getByText("Rings for you").waitFor();
  await ada.route(/\/calls\/[^/]+$/, (route) => route.abort());
  await forgiving([/ERR_FAILED/, /409/], async () => {
    await api.ben.post(`/calls/${id}/answer`);
    await press(pop, "Answer");
    await pop.getByText("Somebody else has this call").waitFor();
    await pop.getByText("This may be out of date").waitFor();
    await ada.unroute(/\/calls\/[^/]+$/);
    await api.ben.post(`/calls/${id}/hold`);
    await pop.waitFor({ state: "detached" });
  });
  await press(card(ben, "Carl Customer"), "End");
  await press(card(ben, "Carl Customer"), "Done");
});

await step("numbers are called with a click: from a ticket, and from the people", async () => {
  await ada.goto(`${base}/admin/tickets/1`);
  await press(ada.getByRole("region", { name: "Requester" }), "Call Carl Customer, 030 / 98 76 54");
  const pop = card(ada, "Carl Customer");
  await pop.getByText("You are calling").waitFor();
  await press(pop, "End");
  await pop.waitFor({ state: "detached" });
  await open(ada, "People");
  await row(ada, "Carl Customer").getByRole("button", { name: "Call 030 / 98 76 54" }).waitFor();
  await inspect(ada, "people-phones");
});

await step("filters are kept in the address, and a wrong one is said at its field", async () => {
  await open(ada, "Calls");
  await ada.getByLabel("Search numbers").fill("0");
  await ada.getByText("At least 3 digits").waitFor();
  await ada.getByLabel("Search numbers").fill("555 0100");
  await row(ada, "+1 212 555 0100").first().waitFor();
  await row(ada, "Carl Customer").first().waitFor({ state: "detached" });
  await ada.getByLabel("Direction").selectOption("outbound");
  await until("the address says so", async () => /direction=outbound/.test(ada.url()) && /q=555/.test(ada.url()));
  await until("one is left", async () => (await ada.locator(".table-calls tbody tr").count()) === 1);
  await ada.reload();
  await until("one is left", async () => (await ada.locator(".table-calls tbody tr").count()) === 1);
  await ada.getByRole("link", { name: "All", exact: true }).click();
  await row(ada, "Carl Customer").first().waitFor();
  await inspect(ada, "calls");
  assert.equal(await ada.getByRole("link", { name: "CSV" }).count(), 0);
  assert.equal(await ben.getByRole("link", { name: "CSV" }).getAttribute("href"), "/api/v1/calls.csv?returned=false");
  await ada.goto(`${base}/admin/calls/0192c420-8b3b-7982-b947-74c9cc011cdd`).catch(() => {});
  await forgiving([/404/], async () => heading(ada, "No such call"));
});

for (const browser of browsers) await browser.close();
finish();
