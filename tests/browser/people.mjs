// A walk of an administrator who looks after people and teams, with two browsers: accounts are
// invited, changed, closed and given links, and whoever gets a link comes in by it. Started by main.rs.

import assert from "node:assert/strict";
import { Api, base, finish, forgiving, inspect, openBrowser, openPage, step, until } from "./desk.mjs";

const PASSWORD = "a long walk in the park";
const HOSTILE = "<img src=x onerror=alert(1)>";

const browser = await openBrowser();
const apis = {};
const heading = (page, name) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
const row = (page, text) => page.getByRole("row").filter({ hasText: text });
const dialog = (page) => page.locator("dialog[open]").last();

async function enter(page, email) {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.keyboard.press("Enter");
}

await step("a house with a few people", async () => {
  const token = new URL(process.env.DESKBELL_SETUP_LINK).hash.replace("#token=", "");
  await new Api().post("/setup", { token, email: "vera@example.com", name: "Vera Walker", password: PASSWORD, tenant_name: "Bramble & Finch" });
  apis.vera = await Api.signIn("vera@example.com", PASSWORD);
  for (const [name, role] of [["Ada Okafor", "agent"], ["Ben Lindqvist", "supervisor"], ["Dora Weiss", "customer"]]) {
    await apis.vera.post("/users", { email: `${name.split(" ")[0].toLowerCase()}@example.com`, name, role, password: PASSWORD });
  }
});

const vera = await openPage(browser);

await step("everybody is listed, and the list is narrowed by role and by words", async () => {
  await vera.goto(`${base}/admin/people`);
  await enter(vera, "vera@example.com");
  await heading(vera, "People");
  await row(vera, "dora@example.com").waitFor();
  assert.equal(await vera.getByRole("row").count(), 5);
  await inspect(vera, "people");
  await vera.getByRole("radio", { name: "Customers" }).check({ force: true });
  await row(vera, "Ada Okafor").waitFor({ state: "detached" });
  await row(vera, "Dora Weiss").waitFor();
  await vera.getByRole("radio", { name: "All" }).check({ force: true });
  await vera.getByLabel("Search people").fill("nobody at all");
  await vera.getByText("Nobody like that").waitFor();
  await vera.getByLabel("Search people").fill("");
  await row(vera, "Ada Okafor").waitFor();
});

let invitation = "";

await step("who is invited gets a link that is shown once and can be copied", async () => {
  await vera.getByRole("button", { name: "Invite" }).click();
  await vera.getByRole("button", { name: "Make link" }).click();
  await vera.getByText("How are they called?").waitFor();
  await vera.getByLabel("Name", { exact: true }).fill(`Mallory ${HOSTILE}`);
  await vera.getByLabel("E-mail").fill("ada@example.com");
  await forgiving([/status of 409/], async () => {
    await vera.getByRole("button", { name: "Make link" }).click();
    await dialog(vera).getByRole("alert").waitFor();
  });
  await vera.getByLabel("E-mail").fill("mallory@example.com");
  await inspect(vera, "people-invite");
  await vera.getByRole("button", { name: "Make link" }).click();
  invitation = await vera.getByLabel("Link", { exact: true }).textContent();
  assert.match(invitation, new RegExp(`^${base}/invite#invite=.{20,}$`));
  await vera.getByRole("button", { name: "Copy link" }).waitFor();
  await inspect(vera, "people-link");
  await vera.getByRole("button", { name: "I have passed it on" }).click();
  await row(vera, "mallory@example.com").getByText("never").waitFor();
  assert.equal(await vera.locator("img").count(), 0);
});

/** Follows a link as somebody who was not here before. */
async function follow(link) {
  const page = await openPage(browser);
  await page.goto(link);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("Password again").fill(PASSWORD);
  await page.getByRole("button", { name: "Go in" }).click();
  return page;
}

await step("by the link somebody chooses a password and is in; an agent sees people, but changes none", async () => {
  const page = await follow(invitation);
  await heading(page, "Live");
  await page.goto(`${base}/admin/people`);
  await row(page, "ada@example.com").waitFor();
  assert.equal(await page.getByRole("button", { name: "Invite" }).count(), 0);
  assert.equal(await page.getByRole("button", { name: "Ada Okafor" }).count(), 0);
  await page.goto(`${base}/admin/teams`);
  await page.getByText("No teams yet").waitFor();
  assert.equal(await page.getByRole("button", { name: "New team" }).count(), 0);
  await page.context().close();
});

await step("what another administrator changes shows by itself, and so does a sign of life", async () => {
  const [ada] = await apis.vera.get("/users?q=ada@example.com");
  await apis.vera.patch(`/users/${ada.id}`, { name: "Ada Okafor-Reed" });
  await row(vera, "Ada Okafor-Reed").waitFor();
  // While the bell of the brand rings it stays where it is.
  await until("the brand's bell rings", () => vera.locator(".brand .mark.struck").count().then((count) => count > 0 || apis.vera.post("/events", { type: "order.paid", data: {} }).then(() => null)));
  assert.equal(await vera.evaluate(() => {
    const bell = document.querySelector(".side .brand .mark");
    bell.classList.add("struck");
    return getComputedStyle(bell).position;
  }), "static");
});

await step("two change one account: other fields both stand, the same one is told", async () => {
  await vera.getByRole("button", { name: "Ada Okafor-Reed" }).click();
  const [ada] = await apis.vera.get("/users?q=ada@example.com");
  await apis.vera.patch(`/users/${ada.id}`, { extension: "201" });
  await vera.getByLabel("Phone").fill("+49 30 1234");
  await forgiving([/status of 409/], async () => {
    await vera.getByRole("button", { name: "Save" }).click();
    await vera.locator("dialog").waitFor({ state: "detached" });
  });
  let now = await apis.vera.get(`/users/${ada.id}`);
  assert.deepEqual([now.phone, now.extension], ["+49 30 1234", "201"]);
  await vera.getByRole("button", { name: "Ada Okafor-Reed" }).click();
  await vera.getByLabel("Name", { exact: true }).fill("Ada O.");
  await apis.vera.patch(`/users/${ada.id}`, { name: "Ada Reed" });
  await forgiving([/status of 409/], async () => {
    await vera.getByRole("button", { name: "Save" }).click();
    await dialog(vera).getByText("Name is now “Ada Reed”.").waitFor();
  });
  await vera.getByRole("button", { name: "Save" }).click();
  await row(vera, "Ada O.").waitFor();
  now = await apis.vera.get(`/users/${ada.id}`);
  assert.equal(now.name, "Ada O.");
});

await step("a closed account is out at once, and comes back by a link", async () => {
  const ada = await openPage(browser);
  await ada.goto(`${base}/admin/agents`);
  await enter(ada, "ada@example.com");
  await heading(ada, "Agents");
  await vera.getByRole("button", { name: "Ada O." }).click();
  // Whoever is closed hears it by a socket that ends, and by an answer that says they are unknown.
  await forgiving([/status of 401/, /HTTP Authentication failed/], async () => {
    await vera.getByRole("button", { name: "Close account" }).click();
    await vera.getByRole("alertdialog").getByRole("button", { name: "Close account" }).click();
    await vera.getByText("This account is closed.").waitFor();
    await heading(ada, "Sign in");
  });
  await inspect(vera, "people-closed");
  await vera.getByRole("button", { name: "Open again" }).click();
  await vera.getByRole("button", { name: "Password link" }).click();
  const link = await vera.getByLabel("Link", { exact: true }).textContent();
  assert.match(link, new RegExp(`^${base}/invite#reset=.{20,}$`));
  await vera.getByRole("button", { name: "I have passed it on" }).click();
  const back = await follow(link);
  await heading(back, "Live");
  await Promise.all([ada.context().close(), back.context().close()]);
});

await step("what was written outlives a sign-in that ends, for its writer alone; a hostile subject turns nothing", async () => {
  const dora = await Api.signIn("dora@example.com", PASSWORD);
  const { id, number } = await dora.post("/tickets", { subject: "Turned \u202e".padEnd(250, "x") });
  const ada = await openPage(browser);
  await ada.goto(`${base}/admin/tickets/${number}`);
  await enter(ada, "ada@example.com");
  const text = ada.getByLabel("Public reply", { exact: true }).and(ada.locator("textarea"));
  await text.fill("Half an answer");
  await ada.getByRole("button", { name: /^Notifications/ }).locator("visible=true").click();
  const told = ada.getByRole("dialog", { name: "Notifications" }).getByRole("link", { name: /New ticket #1 'Turned x+' from Dora/ });
  assert.ok((await told.boundingBox()).height < 120, "a long subject is cut");
  await ada.keyboard.press("Escape");
  const end = async () => {
    const api = await Api.signIn("ada@example.com", PASSWORD);
    await forgiving([/status of 401/, /HTTP Authentication failed/], async () => {
      for (const session of await api.get("/auth/sessions")) await apis.vera.delete(`/auth/sessions/${session.id}`);
      await ada.getByText("Your session has ended").waitFor();
    });
  };
  await end();
  await enter(ada, "ada@example.com");
  await until("the words are back", async () => (await text.count()) > 0 && (await text.inputValue()) === "Half an answer");
  await end();
  await enter(ada, "ben@example.com");
  await text.waitFor();
  assert.equal(await text.inputValue(), "");
  assert.equal((await apis.vera.get(`/tickets/${id}/comments`)).length, 0);
  await ada.context().close();
});

await step("another role counts at once", async () => {
  await vera.getByRole("button", { name: "Ada O." }).click();
  await vera.getByLabel("Role").selectOption("supervisor");
  await vera.getByRole("button", { name: "Save" }).click();
  await row(vera, "Ada O.").getByText("Supervisor").waitFor();
  const [ada] = await apis.vera.get("/users?q=ada@example.com");
  assert.equal(ada.role, "supervisor");
});

await step("a team is made, changed and dissolved", async () => {
  await vera.getByRole("link", { name: "Teams" }).click();
  await heading(vera, "Teams");
  await vera.getByRole("button", { name: "New team" }).first().click();
  await vera.getByLabel("Name", { exact: true }).fill("Repairs");
  await vera.getByRole("combobox", { name: "Add a member" }).fill("ben");
  await vera.getByRole("option", { name: /Ben Lindqvist/ }).waitFor();
  await vera.keyboard.press("Enter");
  await dialog(vera).getByRole("listitem").filter({ hasText: "Ben Lindqvist" }).waitFor();
  await vera.getByLabel("Led by").selectOption({ label: "Ben Lindqvist" });
  await vera.getByLabel("Tickets go to").selectOption("round_robin");
  await inspect(vera, "team");
  await vera.getByRole("button", { name: "Make team" }).click();
  await row(vera, "Repairs").getByText("the members in turn").waitFor();
  await inspect(vera, "teams");
  await vera.getByRole("button", { name: "Repairs" }).click();
  await vera.getByLabel("Telephone queues").fill("repairs, late");
  await vera.getByRole("button", { name: "Save" }).click();
  await vera.locator("dialog").waitFor({ state: "detached" });
  assert.deepEqual((await apis.vera.get("/teams"))[0].queue_names, ["repairs", "late"]);
  await vera.getByRole("button", { name: "Repairs" }).click();
  await vera.getByRole("button", { name: "Dissolve" }).click();
  await vera.getByRole("alertdialog").getByRole("button", { name: "Dissolve" }).click();
  await vera.getByText("No teams yet").waitFor();
});

await browser.close();
finish();
