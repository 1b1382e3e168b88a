// A walk of a customer and an agent, each in a window of their own: what one does, the other's bell
// tells within a second, and nothing reaches who should not know it. Started by main.rs.

import assert from "node:assert/strict";
import { Api, base, finish, forgiving, inspect, openBrowser, openPage, step, until } from "./desk.mjs";

const PASSWORD = "a long walk in the park";
const HOSTILE = "<img src=x onerror=alert(1)>";
const SECRET = "between-us-4711";
/** What happened must be on the page this soon after the answer to who did it. */
const PROMISED_MS = 1_000;

const browser = await openBrowser();
const apis = {};

/** All that ever came to a window from the server. */
function overhear(page) {
  const heard = { texts: [], paths: [] };
  page.on("request", (request) => heard.paths.push(new URL(request.url()).pathname));
  page.on("response", async (response) => {
    if (response.url().includes("/api/")) heard.texts.push(await response.text().catch(() => ""));
  });
  page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => heard.texts.push(String(payload))));
  return heard;
}

const heading = (page, name) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
const bell = (page) => page.getByRole("button", { name: /^Notifications/ }).locator("visible=true");
const badge = async (page) => Number((await bell(page).getAttribute("aria-label")).match(/(\d+) unread/)?.[1] ?? 0);
const panel = (page) => page.getByRole("dialog", { name: "Notifications" });
const rings = (page) => page.getByRole("log", { name: "New notifications" }).locator(".ring");
const harmless = async (page) => assert.equal(await page.locator("img").count(), 0);

async function enter(page, email) {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.keyboard.press("Enter");
}

/** Does `work`, then waits for `there`, no longer than was promised; says how long it took. */
async function soon(what, work, there) {
  const done = await work();
  const answered = Date.now();
  await until(what, there);
  const took = Date.now() - answered;
  assert.ok(took <= PROMISED_MS, `${what}: ${took} ms after the answer`);
  return done;
}

await step("people are there", async () => {
  const token = new URL(process.env.DESKBELL_SETUP_LINK).hash.replace("#token=", "");
  await new Api().post("/setup", { token, email: "vera@example.com", name: "Vera Walker", password: PASSWORD, tenant_name: "Bramble & Finch" });
  apis.vera = await Api.signIn("vera@example.com", PASSWORD);
  for (const [name, role] of [["Ada Okafor", "agent"], ["Ben Lindqvist", "supervisor"], ["Dora Weiss", "customer"], ["Emil Haddad", "customer"]]) {
    const short = name.split(" ")[0].toLowerCase();
    await apis.vera.post("/users", { email: `${short}@example.com`, name, role, password: PASSWORD });
    apis[short] = await Api.signIn(`${short}@example.com`, PASSWORD);
  }
});

const dora = await openPage(browser);
const heard = overhear(dora);
const ada = await openPage(browser);

await step("whoever comes in by the wrong door is led to their own pages", async () => {
  await dora.goto(`${base}/admin`);
  await enter(dora, "dora@example.com");
  await heading(dora, "Hello, Dora");
  assert.equal(new URL(dora.url()).pathname, "/help");
  await dora.getByText("No requests yet").waitFor();
  await inspect(dora, "help-empty");
  await ada.goto(`${base}/help/notifications`);
  await enter(ada, "ada@example.com");
  await heading(ada, "Notifications");
  assert.equal(new URL(ada.url()).pathname, "/admin/notifications");
  await inspect(ada, "notifications");
});

await step("a customer asks with a keyboard alone, and a file goes along", async () => {
  await dora.getByRole("link", { name: "New request" }).first().focus();
  await dora.keyboard.press("Enter");
  await heading(dora, "New request");
  await dora.getByRole("button", { name: "Send request" }).click();
  await dora.getByText("A few words, please").waitFor();
  await dora.getByLabel("What is it about?").focus();
  await dora.keyboard.type(`Printer ${HOSTILE}`);
  await dora.keyboard.press("Tab");
  await dora.keyboard.type("It eats labels, <script>alert(2)</script> and paper.");
  await dora.keyboard.press("Tab");
  await dora.keyboard.press("End");
  await dora.locator("input[type=file]").setInputFiles({ name: "torn label.txt", mimeType: "text/plain", buffer: Buffer.from("torn") });
  await dora.getByText("torn label.txt").waitFor();
  await inspect(dora, "help-new");
  await dora.getByRole("button", { name: "Send request" }).focus();
  await dora.keyboard.press("Enter");
  await heading(dora, `Printer ${HOSTILE}`);
  await dora.getByRole("link", { name: "torn label.txt" }).waitFor();
  await harmless(dora);
  const [ticket] = await apis.dora.get("/tickets");
  assert.deepEqual([ticket.number, ticket.priority], [1, "urgent"]);
  assert.equal((await apis.dora.get("/tickets/1/attachments"))[0].filename, "torn label.txt");
});

await step("the bell counted it for the agent, and says so in the title and in a card", async () => {
  await until("the badge", async () => (await badge(ada)) === 2 || null);
  await rings(ada).filter({ hasText: "New ticket #1" }).waitFor();
  assert.match(await ada.title(), /^\(2\)\s/);
  await harmless(ada);
});

await step("an act of somebody else rings within a second, and nothing is asked for again", async () => {
  await rings(ada).first().getByRole("button", { name: "Dismiss" }).click();
  const asked = [];
  ada.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await soon("the badge of the agent", () => apis.ben.post("/tickets/1/assign", { assignee_id: null, team_id: null }).then(async () => {
    const me = await apis.ada.get("/auth/me");
    return apis.ben.post("/tickets/1/assign", { assignee_id: me.id });
  }), async () => (await badge(ada)) === 3 || null);
  await rings(ada).filter({ hasText: "assigned to you by Ben" }).waitFor();
  assert.match(await ada.title(), /^\(3\)\s/);
  assert.deepEqual(asked.filter((path) => path.startsWith("/api/v1/notifications")), []);
});

await step("no more than three cards at a time, and the pointer holds them", async () => {
  await rings(ada).first().hover();
  for (const body of ["one", "two", "three", "four"]) {
    await apis.dora.post("/tickets/1/comments", { body });
    await until(`the card of ${body}`, async () => (await rings(ada).count()) > 0 && ((await badge(ada)) > 3 || null));
  }
  await until("the badge", async () => (await badge(ada)) === 7 || null);
  assert.ok((await rings(ada).count()) <= 3);
  await inspect(ada, "rings");
});

await step("the panel opens and closes by keyboard, and tells why", async () => {
  await bell(ada).focus();
  await ada.keyboard.press("Enter");
  await panel(ada).getByText("assigned to you by Ben").waitFor();
  assert.equal(await rings(ada).count(), 0, "what the panel shows need not ring");
  const row = panel(ada).getByRole("listitem").filter({ hasText: "assigned to you by Ben" });
  await row.getByText("Why did I get this?").click();
  await row.getByText("because it is assigned to you").waitFor();
  await ada.keyboard.press("Escape");
  await panel(ada).waitFor({ state: "hidden" });
  assert.ok(await bell(ada).evaluate((node) => node === document.activeElement), "the focus is back on the bell");
  await ada.keyboard.press("Enter");
  await inspect(ada, "bell");
  await ada.keyboard.press("Escape");
  await panel(ada).waitFor({ state: "hidden" });
});

await step("what is read in one window is read in all, without asking the server", async () => {
  const other = await ada.context().newPage();
  await other.goto(`${base}/admin/notifications`);
  await until("its badge", async () => (await badge(other)) === 7 || null);
  const asked = [];
  other.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await bell(ada).click();
  const row = panel(ada).getByRole("listitem").filter({ hasText: "assigned to you by Ben" });
  await row.getByRole("button", { name: /^Mark as read/ }).click();
  await until("one less here", async () => (await badge(ada)) === 6 || null);
  await until("and there", async () => (await badge(other)) === 6 || null);
  await row.getByRole("button", { name: /^Delete/ }).click();
  await row.waitFor({ state: "detached" });
  await panel(ada).getByRole("button", { name: "Mark all read" }).click();
  await until("nothing here", async () => (await badge(ada)) === 0 || null);
  await until("nothing there", async () => (await badge(other)) === 0 || null);
  assert.doesNotMatch(await other.title(), /^\(/);
  assert.deepEqual(asked.filter((path) => path.includes("notifications")), []);
  await other.close();
});

await step("a notification leads to what it speaks of", async () => {
  await panel(ada).getByRole("link", { name: /^New ticket #1/ }).click();
  await ada.waitForURL(/\/admin\/tickets\//);
  await ada.getByText("It eats labels").first().waitFor();
  await harmless(ada);
});

await step("a switch turns one kind of notification off", async () => {
  await ada.goto(`${base}/admin/notifications`);
  await ada.getByLabel("A new public comment").uncheck();
  await ada.getByText("Saved").waitFor();
  const before = await badge(ada);
  await apis.dora.post("/tickets/1/comments", { body: "not told" });
  await apis.ben.post("/tickets/1/comments", { body: "noted", visibility: "internal" });
  await until("the note", async () => (await badge(ada)) === before + 1 || null);
  assert.equal((await apis.ada.get("/auth/me")).notify_prefs.comment_on_ticket, false);
});

await step("a public answer reaches the customer within a second, an internal note never", async () => {
  await dora.goto(`${base}/help/tickets/1`);
  await dora.getByText("not told").waitFor();
  const lists = heard.paths.length;
  await apis.ada.post("/tickets/1/comments", { body: `${SECRET} the roller again`, visibility: "internal" });
  const form = new FormData();
  const note = (await apis.ada.get("/tickets/1/comments")).find(({ body }) => body.includes(SECRET));
  form.append("file", new Blob([SECRET]), `${SECRET}.txt`);
  await fetch(`${base}/api/v1/comments/${note.id}/attachments`, { method: "POST", body: form, headers: { Authorization: `Bearer ${apis.ada.token}` } });
  await soon("the answer", () => apis.ada.post("/tickets/1/comments", { body: "Please try the other roll." }), async () => (await dora.getByText("Please try the other roll.").count()) > 0 || null);
  await until("her badge", async () => (await badge(dora)) > 0 || null);
  assert.deepEqual(heard.paths.slice(lists).filter((path) => /comments$|tickets$|notifications/.test(path)), [], "no list was read again");
  await bell(dora).click();
  await panel(dora).getByText("New comment on your ticket").first().waitFor();
  await inspect(dora, "help-bell");
  await dora.keyboard.press("Escape");
  await inspect(dora, "help-ticket");
});

await step("solved, and not solved after all", async () => {
  await apis.ada.patch("/tickets/1", { status: "resolved" });
  await dora.getByText("Solved", { exact: true }).waitFor();
  await dora.getByRole("button", { name: "It is not solved" }).click();
  await dora.getByRole("button", { name: "It is solved" }).waitFor();
  assert.notEqual((await apis.ada.get("/tickets/1")).status, "resolved");
  await dora.getByLabel("Your message").fill("It still eats them.");
  await dora.keyboard.press("Control+Enter");
  await dora.locator(".thread").getByText("It still eats them.").waitFor();
});

await step("the list of requests follows what happens, and shows nobody else's", async () => {
  await dora.getByRole("link", { name: "My requests", exact: true }).first().click();
  const card = dora.getByRole("listitem").filter({ hasText: "Printer" });
  await card.getByText("In progress").or(card.getByText("Received")).waitFor();
  const from = heard.paths.length;
  await apis.emil.post("/tickets", { subject: "Emil's own matter", description: "private" });
  await soon("the state on the card", () => apis.ada.patch("/tickets/1", { status: "pending" }), async () => (await card.getByText("Waiting for you").count()) > 0 || null);
  await apis.vera.post("/tickets", { subject: "Opened for Dora", description: "x", requester_id: (await apis.dora.get("/auth/me")).id });
  await dora.getByRole("link", { name: "Opened for Dora", exact: true }).waitFor();
  assert.deepEqual(heard.paths.slice(from).filter((path) => path.endsWith("/tickets")), []);
  assert.equal(await dora.getByText("Emil's own matter").count(), 0);
  await inspect(dora, "help-requests");
});

await step("an article is written, looked at, and published", async () => {
  await apis.ben.post("/kb/categories", { name: "Printing", position: 0 });
  await ada.getByRole("link", { name: "Knowledge base", exact: true }).click();
  await ada.getByText("Nothing on the shelves yet").waitFor();
  await inspect(ada, "articles-empty");
  await ada.getByRole("link", { name: "New article" }).first().click();
  await ada.getByLabel("Title").fill(`Labels ${HOSTILE}`);
  await ada.getByRole("textbox", { name: "Text", exact: true }).fill(`## How to\n\n1. Open the **lid**\n2. ${HOSTILE}\n\n[here](https://example.com/rolls) [not here](javascript:alert(3))`);
  await ada.getByRole("radio", { name: "Preview" }).check({ force: true });
  await ada.getByRole("region", { name: "Preview" }).getByRole("heading", { name: "How to" }).waitFor();
  assert.deepEqual(await ada.locator(".preview a").evaluateAll((all) => all.map((a) => a.href)), ["https://example.com/rolls"]);
  await harmless(ada);
  await inspect(ada, "article-preview");
  await ada.getByLabel("Category").selectOption({ label: "Printing" });
  await ada.getByRole("button", { name: "Publish" }).click();
  await heading(ada, `Labels ${HOSTILE}`);
  await ada.getByText("Published", { exact: true }).first().waitFor();
  await inspect(ada, "article");
});

const article = (await apis.ada.get("/kb/articles"))[0];

await step("two people write at once, and both are told politely", async () => {
  await ada.getByLabel("Title").fill("Labels, by Ada");
  await apis.ben.patch(`/kb/articles/${article.id}`, { title: "Labels, by Ben" });
  await ada.getByText("Ben Lindqvist changed this article while you were writing").waitFor();
  await inspect(ada, "article-conflict");
  await ada.getByRole("button", { name: "Keep mine" }).click();
  await ada.getByRole("button", { name: "Save", exact: true }).click();
  await heading(ada, "Labels, by Ada");
  // Without unsaved changes the newer one is simply shown.
  await apis.ben.patch(`/kb/articles/${article.id}`, { title: "Loading labels" });
  await heading(ada, "Loading labels");
  assert.equal(await ada.getByLabel("Title").inputValue(), "Loading labels");
});

await step("what was typed and not saved is still there after a look elsewhere", async () => {
  await ada.getByLabel("In a line or two").fill("How to load a roll.");
  await ada.getByRole("link", { name: "Knowledge base", exact: true }).first().click();
  await ada.getByRole("link", { name: "Loading labels", exact: true }).click();
  await ada.getByText("Your unsaved changes are still here.").waitFor();
  await ada.getByRole("button", { name: "Save", exact: true }).click();
  await ada.getByText("All saved").waitFor();
  assert.equal((await apis.ada.get(`/kb/articles/${article.id}`)).excerpt, "How to load a roll.");
});

await step("the customer's shelves follow, and an article is read and voted on", async () => {
  await dora.getByRole("link", { name: "Articles", exact: true }).click();
  await dora.getByRole("link", { name: "Loading labels", exact: true }).waitFor();
  await apis.ada.post("/kb/articles", { title: `Door code ${SECRET}`, body: SECRET, status: "published", visibility: "internal" });
  await apis.ada.post("/kb/articles", { title: "Blank labels", body: "Turn the roll.", status: "published" });
  await dora.getByRole("link", { name: "Blank labels", exact: true }).waitFor();
  await inspect(dora, "help-articles");
  await dora.getByLabel("Search the articles").fill("lid");
  await dora.getByRole("link", { name: "Blank labels", exact: true }).waitFor({ state: "detached" });
  await dora.locator("mark").filter({ hasText: "lid" }).waitFor();
  await dora.getByRole("link", { name: "Loading labels", exact: true }).click();
  await heading(dora, "Loading labels");
  await dora.getByRole("button", { name: "Yes" }).click();
  await dora.getByText("Thank you!").waitFor();
  await inspect(dora, "help-article");
  const read = await apis.ada.get(`/kb/articles/${article.id}`);
  assert.deepEqual([read.helpful_yes, read.helpful_no], [1, 0]);
  assert.ok(read.views >= 1);
});

await step("the list of staff is kept true, and categories are put in order", async () => {
  const ben = await openPage(browser);
  await ben.goto(`${base}/admin/articles`);
  await enter(ben, "ben@example.com");
  await ben.getByRole("row").filter({ hasText: "Loading labels" }).getByText("1/1 helped").waitFor();
  await apis.ada.post(`/kb/articles/${article.id}/unpublish`);
  await ben.getByRole("row").filter({ hasText: "Loading labels" }).getByText("Draft").waitFor();
  await ben.getByRole("radio", { name: "Drafts" }).check({ force: true });
  await ben.getByRole("link", { name: "Blank labels", exact: true }).waitFor({ state: "detached" });
  await apis.ada.post(`/kb/articles/${article.id}/publish`);
  await ben.getByText("Nothing of that kind").waitFor();
  await ben.getByRole("radio", { name: "All" }).check({ force: true });
  await ben.getByLabel("Search articles").fill("roll");
  await ben.getByRole("link", { name: "Blank labels", exact: true }).waitFor();
  await ben.getByLabel("Search articles").fill("");
  await inspect(ben, "articles");
  await ben.getByRole("button", { name: "Categories" }).click();
  const dialog = ben.getByRole("dialog", { name: "Categories" });
  await dialog.getByLabel("Name of a new category").fill(HOSTILE);
  await ben.keyboard.press("Enter");
  await dialog.getByRole("button", { name: `Move ${HOSTILE} up` }).click();
  await until("the new order", async () => (await apis.ben.get("/kb/categories"))[0].name === HOSTILE || null);
  await inspect(ben, "categories");
  await dialog.getByRole("button", { name: "Done" }).click();
  await harmless(ben);
  await ben.context().close();
});

await step("a stranger reads what is public, and nothing else", async () => {
  const stranger = await openPage(browser);
  const told = overhear(stranger);
  await stranger.goto(`${base}/kb`);
  await stranger.getByRole("link", { name: "Loading labels", exact: true }).waitFor();
  await stranger.getByText("Bramble & Finch").waitFor();
  await inspect(stranger, "kb");
  await stranger.getByRole("button", { name: "Printing" }).click();
  await stranger.getByRole("link", { name: "Blank labels", exact: true }).waitFor({ state: "detached" });
  await stranger.getByLabel("Search the articles").fill(SECRET);
  await stranger.getByText("Nothing found").waitFor();
  await stranger.goto(`${base}/kb/${article.slug}`);
  await heading(stranger, "Loading labels");
  assert.equal(await stranger.getByRole("button", { name: "Yes" }).count(), 0);
  await inspect(stranger, "kb-article");
  await forgiving([/404 \(Not Found\)/], async () => {
    await stranger.goto(`${base}/kb/door-code-${SECRET}`);
    await stranger.getByText("No such article").waitFor();
  });
  const all = told.texts.join("\n");
  for (const word of ["Door code", "author_id", "tenant_id", "helpful", "@example.com"]) assert.ok(!all.includes(word), `a stranger was told ${word}`);
  await stranger.context().close();
});

await step("not a byte of internal text came to the customer", async () => {
  await dora.goto(`${base}/help/tickets/1`);
  await dora.getByText("Please try the other roll.").waitFor();
  assert.ok(!(await dora.content()).includes(SECRET));
  const all = heard.texts.join("\n");
  assert.ok(all.includes("Please try the other roll."), "what came was overheard");
  for (const word of [SECRET, "Emil's own matter", "internal_note", "first_response_due_at"]) assert.ok(!all.includes(word), `she was told ${word}`);
  await harmless(dora);
});

await step("what is not theirs is not there", async () => {
  await forgiving([/404 \(Not Found\)/], async () => {
    await dora.goto(`${base}/help/tickets/2`);
    await heading(dora, "No such request");
    await dora.goto(`${base}/help/articles/door-code`);
    await dora.getByText("No such article").waitFor();
    await dora.goto(`${base}/help/go/comment/0192a5a0-0000-7000-8000-00000000000f`);
    await dora.getByText("It is gone").waitFor();
  });
  await dora.goto(`${base}/help/nowhere`);
  await heading(dora, "No such page");
});

await step("signing out at the customers' door leads back to it", async () => {
  await dora.getByRole("button", { name: /^Sign out/ }).click();
  await heading(dora, "Sign in");
  await inspect(dora, "help-sign-in");
  assert.equal(new URL(dora.url()).pathname, "/help");
});

await browser.close();
finish();
