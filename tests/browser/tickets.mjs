// Two people at the same tickets, each in a browser of their own, and a customer who writes by the
// API. Each step is a promise. Started by main.rs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Api, base, finish, forgiving, inspect, openBrowser, openPage, restartServer, SOON_MS, step, until } from "./desk.mjs";
import { shakeProse } from "./prose.mjs";

const PASSWORD = "a long walk in the park";
const HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>";
const TURNED = "\u202egnorw\u202c \u200fright";

/** What somebody does is on everybody's page within this long after it was answered. */
const AT_ONCE_MS = 1_000;

const browsers = [await openBrowser(), await openBrowser()];
const [ada, ben] = [await openPage(browsers[0]), await openPage(browsers[1])];
const api = {};
const asked = new Map([ada, ben].map((page) => [page, []]));
for (const page of [ada, ben]) page.on("request", (request) => asked.get(page).push(`${request.method()} ${new URL(request.url()).pathname}`));

const heading = (page, name) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
const live = (page) => page.locator(".page-head .pill").filter({ hasText: /^Live$/ }).waitFor();
const row = (page, words) => page.getByRole("row").filter({ hasText: words });
const entry = (page, words) => page.locator(".entry").filter({ hasText: words });
const say = (page) => page.locator(".composer-text");
const harmless = async (page) => assert.equal(await page.locator("img, main script").count(), 0);
/** Goes to a list by clicks; both it and the one before are read when this is done. */
const list = async (page, view = "Unfinished") => {
  const read = async (link) => {
    const answer = page.waitForResponse((response) => new URL(response.url()).pathname === "/api/v1/tickets");
    await link.click();
    await answer;
  };
  await read(page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Tickets", exact: true }));
  await heading(page, "Tickets");
  await read(page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: view, exact: true }));
  await live(page);
};

/** Does `work`, and fails when `page` asked for a list of tickets or comments meanwhile. */
async function withoutAsking(page, work) {
  asked.get(page).length = 0;
  const result = await work();
  const lists = asked.get(page).filter((what) => /^GET \/api\/v1\/tickets(\/[^/]+\/(comments|attachments))?$/.test(what));
  assert.deepEqual(lists, [], "no list was asked for");
  return result;
}

/** Does `deed` and waits for `sign` on the other page; says how long after the answer it came. */
async function atOnce(other, deed, sign) {
  return withoutAsking(other, async () => {
    const seen = sign.waitFor({ timeout: SOON_MS }).then(() => performance.now());
    await deed();
    const answered = performance.now();
    const late = (await seen) - answered;
    assert.ok(late < AT_ONCE_MS, `${Math.round(late)} ms after the answer`);
    console.log(`    seen ${Math.round(late)} ms after the answer`);
  });
}

/** Does something on a page that ends in an answer to a POST to `path`. */
async function posted(page, path, work) {
  const answer = page.waitForResponse((response) => path.test(response.url()) && response.request().method() === "POST");
  await work();
  assert.ok((await answer).ok());
}

await step("a desk with two agents and a customer", async () => {
  const link = new URL(process.env.DESKBELL_SETUP_LINK);
  const token = new URLSearchParams(link.hash.slice(1)).get("token");
  await new Api().post("/setup", { token, tenant_name: "Walkers", name: "Vera Walker", email: "vera@example.com", password: PASSWORD });
  api.vera = await Api.signIn("vera@example.com", PASSWORD);
  const people = { ada: ["Ada Okafor", "agent"], ben: ["Ben Sørensen", "supervisor"], carl: ["Carl Customer", "customer"], eve: [HOSTILE, "customer"] };
  for (const [who, [name, role]] of Object.entries(people)) {
    await api.vera.post("/users", { email: `${who}@example.com`, name, role, password: PASSWORD });
    api[who] = await Api.signIn(`${who}@example.com`, PASSWORD);
  }
  const minutes = { low: 480, normal: 120, high: 60, urgent: 15 };
  await api.vera.post("/sla-policies", { name: "Standard", first_response_minutes: minutes, resolution_minutes: minutes });
  await api.ben.post("/macros", { name: "Ask for a photo", text: "Dear {{requester.name}}, please send a photo.", changes: { add_tags: ["photo"] } });
  await api.vera.post("/teams", { name: "Hardware", members: [] });
});

await step("both sign in and find an empty list", async () => {
  for (const [page, who] of [[ada, "ada"], [ben, "ben"]]) {
    await page.goto(`${base}/admin/tickets`);
    await page.getByLabel("E-mail").fill(`${who}@example.com`);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.keyboard.press("Enter");
    await heading(page, "Tickets");
    await page.getByText("No tickets like that").waitFor();
    await live(page);
  }
  await inspect(ada, "tickets-empty");
});

await step("a ticket that is opened appears in the other's list, which is not read again", async () => {
  await ada.getByRole("button", { name: "New ticket" }).click();
  const dialog = ada.getByRole("dialog");
  await dialog.getByLabel("For whom").fill("carl@");
  await dialog.getByRole("option", { name: /Carl Customer/ }).waitFor();
  await ada.keyboard.press("Enter");
  assert.match(await dialog.getByLabel("For whom").inputValue(), /^Carl Customer/);
  await dialog.getByRole("button", { name: "Open ticket" }).click();
  await dialog.getByText("A few words, please").waitFor();
  await dialog.getByLabel("Subject").fill("Label printer eats labels");
  await dialog.getByLabel("What it is about").fill("Every third label comes out crumpled.");
  await inspect(ada, "ticket-new");
  await atOnce(ben, () => posted(ada, /\/tickets$/, () => dialog.getByRole("button", { name: "Open ticket" }).click()), row(ben, "Label printer eats labels"));
  await heading(ada, "Label printer eats labels");
  await live(ada);
  await row(ben, "Label printer").getByText("Carl Customer").waitFor();
  await row(ben, "Label printer").getByText(/answer in/).waitFor();
});

await step("a comment appears on the other's page within a second, and nothing is asked for", async () => {
  await row(ben, "Label printer").getByRole("link").click();
  await heading(ben, "Label printer eats labels");
  await say(ben).waitFor();
  await say(ada).fill("Which paper is in the tray?");
  await atOnce(ben, () => posted(ada, /\/comments$/, () => say(ada).press("Control+Enter")), entry(ben, "Which paper is in the tray?"));
  assert.equal(await say(ada).inputValue(), "");
  // The first answer is given: the clock is met on both pages.
  for (const page of [ada, ben]) await page.getByRole("region", { name: "Service level" }).getByText("Met").waitFor();
});

await shakeProse(ada);

await step("a customer's hostile words are shown as the words they are", async () => {
  await atOnce(ben, () => api.carl.post("/tickets/1/comments", { body: `${HOSTILE} ${TURNED}` }), entry(ben, HOSTILE));
  await api.carl.post("/tickets/1/comments", { body: `**${HOSTILE}** [click](javascript:alert(3)) [${HOSTILE}](https://example.com/)`, format: "markdown" });
  await entry(ada, "[click](javascript:alert(3))").locator("strong", { hasText: HOSTILE }).waitFor();
  const links = await ada.locator(".prose a").evaluateAll((all) => all.map((link) => [link.protocol, link.rel]));
  assert.deepEqual(links, [["https:", "noopener noreferrer nofollow"]]);
  assert.ok((await entry(ada, HOSTILE).first().locator(".prose").textContent()).includes(TURNED));
  const evil = await api.eve.post("/tickets", { subject: `${TURNED} ${HOSTILE}`, description: HOSTILE });
  await ada.goto(`${base}/admin/tickets/${evil.id}`);
  await heading(ada, `${TURNED} ${HOSTILE}`);
  await ada.locator(".ticket-side").getByText(HOSTILE).first().waitFor();
  await ada.getByText("History").click();
  await list(ada);
  await row(ada, HOSTILE).waitFor();
  for (const page of [ada, ben]) await harmless(page);
});

await step("an internal note is plainly no reply, and no customer hears of it", async () => {
  await row(ada, "Label printer").getByRole("link").click();
  await say(ada).waitFor();
  // By keyboard: from the text back to the choice, one arrow to the right.
  await ada.getByRole("radio", { name: "Public reply" }).focus();
  await ada.keyboard.press("ArrowRight");
  await ada.getByText("Only staff will see this.").waitFor();
  await inspect(ada, "ticket-note");
  await say(ada).fill("It is the roller again.");
  await atOnce(ben, () => posted(ada, /\/comments$/, () => say(ada).press("Control+Enter")), entry(ben, "It is the roller again."));
  await entry(ben, "It is the roller again.").getByText("Internal note").waitFor();
  const bodies = (await api.carl.get("/tickets/1/comments")).map(({ body }) => body);
  assert.equal(bodies.includes("It is the roller again."), false);
  await ada.getByRole("radio", { name: "Public reply" }).check();
});

await step("files go along, show their progress and come to the other's page", async () => {
  await say(ada).fill("The manual");
  const text = { mimeType: "text/plain" };
  await ada.locator(".composer input[type=file]").setInputFiles([{ ...text, name: "manual.txt", buffer: Buffer.from("Turn it off and on.") }, { ...text, name: "empty.txt", buffer: Buffer.alloc(0) }]);
  await ada.getByText("empty.txt: It is empty.").waitFor();
  await withoutAsking(ben, async () => {
    await posted(ada, /\/comments\/[^/]+\/attachments$/, () => ada.getByRole("button", { name: "Send reply" }).click());
    await entry(ben, "The manual").getByRole("link", { name: "manual.txt" }).waitFor();
  });
  const download = ben.waitForEvent("download");
  await entry(ben, "The manual").getByRole("link", { name: "manual.txt" }).click();
  assert.equal((await download).suggestedFilename(), "manual.txt");
  await inspect(ben, "ticket");
  await entry(ada, "The manual").getByRole("button", { name: "Delete the file manual.txt" }).click();
  await ada.getByRole("button", { name: "Delete file" }).click();
  await entry(ben, "The manual").getByRole("link", { name: "manual.txt" }).waitFor({ state: "detached" });
});

await step("comments are edited and deleted where they stand, on both pages", async () => {
  await entry(ada, "The manual").getByRole("button", { name: "Edit this comment" }).click();
  await ada.locator(".entry-edit textarea").fill("The manual, in short");
  await withoutAsking(ben, async () => {
    await ada.keyboard.press("Control+Enter");
    await entry(ben, "The manual, in short").getByText("edited").waitFor();
    await entry(ada, "The manual, in short").getByRole("button", { name: "Delete this comment" }).click();
    await ada.getByRole("button", { name: "Delete comment" }).click();
    await ben.getByText("A comment by Ada Okafor was deleted by Ada Okafor.").waitFor();
  });
  assert.equal(await entry(ben, "The manual, in short").count(), 0);
});

await step("what is written and not sent is still there after a look elsewhere", async () => {
  await say(ben).fill("I was about to say");
  await list(ben);
  await row(ben, "Label printer").getByRole("link").click();
  assert.equal(await say(ben).inputValue(), "I was about to say");
  await say(ben).fill("");
});

await step("facts are changed in place, and move the ticket in the other's list and out of it", async () => {
  await list(ada, "Nobody's");
  await row(ada, "Label printer").waitFor();
  await withoutAsking(ada, async () => {
    await ben.getByLabel("Priority").selectOption("urgent");
    await row(ada, "Label printer").getByText("Urgent").waitFor();
    await ben.getByRole("button", { name: "Take it" }).click();
    await row(ada, "Label printer").waitFor({ state: "detached" });
    await ben.getByLabel("Agent", { exact: true }).selectOption("");
    await row(ada, "Label printer").waitFor();
  });
  await ben.getByLabel("Add a tag").fill("printer");
  await ben.keyboard.press("Enter");
  await row(ada, "Label printer").getByText("printer", { exact: true }).waitFor();
  await ben.getByRole("button", { name: "Change the subject" }).click();
  await ben.getByRole("textbox", { name: "Subject" }).fill("Label printer eats everything");
  await ben.keyboard.press("Enter");
  await row(ada, "Label printer eats everything").waitFor();
  await inspect(ada, "tickets");
});

await step("who comes too late is told what it is now, and may insist", async () => {
  await row(ada, "Label printer").getByRole("link").click();
  await say(ada).waitFor();
  const status = ada.getByLabel("Status", { exact: true });
  let quicker = true;
  await ada.route("**/api/v1/tickets/*", async (route) => {
    if (quicker && route.request().method() === "PATCH") {
      quicker = false;
      await api.ben.patch("/tickets/1", { status: "pending" });
    }
    return route.continue();
  });
  await forgiving([/409 \(Conflict\)/], async () => {
    await status.selectOption("in_progress");
    await ada.getByText("Somebody changed the status meanwhile.").waitFor();
  });
  assert.equal(await status.inputValue(), "pending");
  await inspect(ada, "ticket-conflict");
  await ada.getByRole("button", { name: "Set it to In progress anyway" }).click();
  await until("the change", async () => (await api.ada.get("/tickets/1")).status === "in_progress");
  await until("the page shows it", async () => (await status.inputValue()) === "in_progress");
  await ada.unrouteAll({ behavior: "wait" });
});

await step("a macro changes the ticket and leaves its words to be read over", async () => {
  await ada.getByRole("button", { name: "Macro" }).click();
  await inspect(ada, "ticket-macro");
  await ada.getByRole("button", { name: /Ask for a photo/ }).click();
  await until("the words", async () => (await say(ada).inputValue()) === "Dear Carl Customer, please send a photo.");
  await ben.locator(".facts-card").getByText("photo", { exact: true }).waitFor();
  await say(ada).fill("");
});

await step("following, and the history that tells of everything", async () => {
  await ada.getByRole("button", { name: "Follow", exact: true }).click();
  await ada.getByRole("button", { name: "Unfollow", exact: true }).waitFor();
  await ben.getByRole("region", { name: "Followers" }).getByText("Ada Okafor").waitFor();
  await ben.getByText("History").click();
  await ben.locator(".history").getByText("Ada Okafor wrote an internal note").waitFor();
  await ben.locator(".history").getByText(/Status: open → pending/).waitFor();
  await inspect(ben, "ticket-history");
});

await step("a merged ticket is over and shows the way", async () => {
  await api.carl.post("/tickets", { subject: "The same again" });
  await ada.goto(`${base}/admin/tickets/3`);
  await ada.getByRole("button", { name: "Merge" }).click();
  const dialog = ada.getByRole("dialog");
  await forgiving([/404 \(Not Found\)/], async () => {
    await dialog.getByLabel("Number of the other ticket").fill("99");
    await ada.keyboard.press("Enter");
    await dialog.getByText("There is no such ticket").waitFor();
  });
  await dialog.getByLabel("Number of the other ticket").fill("1");
  await ada.keyboard.press("Enter");
  await dialog.getByText("Label printer eats everything").waitFor();
  await dialog.getByRole("button", { name: "Merge into #1" }).click();
  await ada.getByText("This ticket was merged into another one.").waitFor();
  await ada.getByRole("link", { name: "Go to the ticket it was merged into" }).click();
  await heading(ada, "Label printer eats everything");
});

await step("a closed ticket takes no comment until it is reopened", async () => {
  await say(ada).waitFor();
  await api.ben.patch("/tickets/1", { status: "closed" });
  await ada.getByText("This ticket is closed. Reopen it to comment.").waitFor();
  await ada.getByRole("button", { name: "Reopen" }).click();
  await say(ada).waitFor();
});

await step("many are changed at once by a supervisor, deleted and restored", async () => {
  await list(ben);
  await ben.getByRole("checkbox", { name: "Select all tickets on this page" }).check();
  await ben.getByText("2 tickets selected").waitFor();
  await ben.getByRole("button", { name: "Change" }).click();
  await inspect(ben, "tickets-bulk");
  await ben.getByRole("dialog").getByLabel("Priority").selectOption("low");
  await withoutAsking(ben, async () => {
    await ben.getByRole("dialog").getByRole("button", { name: "Change", exact: true }).click();
    await until("both", async () => (await ben.locator(".priority-low").count()) === 2);
  });
  assert.equal(await ada.getByRole("button", { name: "Delete", exact: true }).count(), 0, "agents delete no tickets");
  await row(ben, "Label printer").getByRole("checkbox").check();
  await withoutAsking(ben, async () => {
    await ben.getByRole("group", { name: "Selected tickets" }).getByRole("button", { name: "Delete" }).click();
    await ben.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
    await row(ben, "Label printer").waitFor({ state: "detached" });
  });
  await ada.getByText("This ticket was deleted.", { exact: true }).waitFor();
  await list(ben, "Deleted");
  await row(ben, "Label printer").getByRole("button", { name: "Restore" }).click();
  await row(ben, "Label printer").waitFor({ state: "detached" });
  await say(ada).waitFor();
});

await step("filters stand in the address, are found again, and are kept as a view", async () => {
  await list(ben);
  await ben.getByText("Status Open +3").click();
  await ben.keyboard.press("Escape");
  await ben.getByLabel("Search tickets").fill("label ev");
  await until("the address", () => new URL(ben.url()).searchParams.get("q") === "label ev");
  // The address is there before the list is.
  await until("one ticket", async () => (await ben.locator("tbody tr").count()) === 1 || null);
  await row(ben, "Label printer").waitFor();
  await ben.getByRole("button", { name: "Save view" }).click();
  await ben.getByRole("dialog").getByLabel("Name").fill("Hungry printers");
  await ben.getByRole("dialog").getByLabel("Who sees it").selectOption("all");
  await ben.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await ben.getByRole("link", { name: "Hungry printers" }).waitFor();
  await ben.reload();
  await row(ben, "Label printer").waitFor();
  assert.equal(await ben.getByLabel("Search tickets").inputValue(), "label ev");
  assert.equal(await ben.getByRole("link", { name: "Hungry printers" }).getAttribute("aria-current"), "true");
  // An event brings what fits, and only that.
  await live(ben);
  await withoutAsking(ben, async () => {
    await api.carl.post("/tickets", { subject: "A chair squeaks" });
    await api.carl.post("/tickets", { subject: "Évery label is blue" });
    await row(ben, "Évery label is blue").waitFor();
  });
  assert.equal(await row(ben, "A chair squeaks").count(), 0);
});

await step("the page judges and sorts tickets as the server does", async () => {
  const { id: team } = (await api.ben.get("/teams"))[0];
  const me = await api.ben.get("/auth/me");
  const subjects = ["Crème brûlée machine", "Straße gesperrt", "Übergabe der Büros", "label-printer, again", "#12 is a number", "日本語 の 件名", "Naïve façade v2"];
  for (const [i, subject] of subjects.entries()) {
    const { id } = await api[i % 2 ? "carl" : "eve"].post("/tickets", { subject });
    const priority = ["low", "normal", "high", "urgent"][i % 4];
    const status = ["open", "pending", "on_hold", "resolved", "closed"][i % 5];
    await api.ben.patch(`/tickets/${id}`, { priority, status, type: i % 3 ? "incident" : null, tags: i % 2 ? ["a b", "x"] : ["x"], assignee_id: i % 3 ? me.id : null, team_id: i % 2 ? team : null });
  }
  const carl = (await api.carl.get("/auth/me")).id;
  const all = await api.ben.get("/tickets?per_page=200");
  const [first] = await api.ben.get("/tickets?per_page=1&page=4&sort=created_at");
  const wanted = [
    {}, { status: "open,pending" }, { priority: "high,urgent", sort: "priority" }, { assignee: "me" }, { assignee: "none", sort: "number" }, { assignee: me.id },
    { team, sort: "-created_at" }, { team: "none" }, { requester: carl }, { tag: "a b" }, { tag: "x,photo" }, { type: "incident" }, { channel: "web" }, { channel: "api,call" },
    { q: "creme" }, { q: "brulee mach" }, { q: "bruleem" }, { q: "label pr" }, { q: "pr label" }, { q: "prin label" }, { q: "12" }, { q: "#12" }, { q: "1" }, { q: "strasse" }, { q: "stra" }, { q: "日本" },
    { q: "uberg" }, { q: "facade naive" }, { q: "v2" }, { q: "!!" }, { q: "is" }, { created_after: first.created_at }, { created_before: first.created_at, sort: "-number" },
    { updated_after: first.updated_at, sort: "updated_at" }, { sort: "-priority" }, { status: "closed", q: "a" },
  ];
  for (const filters of wanted) {
    const there = await api.ben.get(`/tickets?${new URLSearchParams({ ...filters, per_page: 200 })}`);
    const here = await ben.evaluate(async ([tickets, asked, user]) => {
      const { comparer, matches } = await import("/assets/js/desk/filters.js");
      return tickets.filter((ticket) => matches(ticket, asked, user)).sort(comparer(asked.sort)).map(({ number }) => number);
    }, [all, filters, me.id]);
    assert.deepEqual(here, there.map(({ number }) => number), JSON.stringify(filters));
  }
});

await step("words of any kind are shown in an instant, and become nothing but words", async () => {
  const long = 65_536;
  const evil = ["*", "[", "`a", "**a ", "> ", "https://", "_a", "a\n", "~", "[a](https://a", "- ", "* ", "1. ", "```\n", "#", "\u202e", "[[", "***"].map((bit) => bit.repeat(long / bit.length));
  const slow = await ben.evaluate(async (texts) => {
    const { prose } = await import("/assets/js/prose.js");
    return texts.map((text) => [text.slice(0, 12), ["markdown", "text"].map((format) => {
      const began = performance.now();
      prose(text, format);
      return Math.round(performance.now() - began);
    })]).filter(([, times]) => Math.max(...times) > 1_000);
  }, evil);
  assert.deepEqual(slow, []);
  const made = await ben.evaluate(async (text) => {
    const { prose } = await import("/assets/js/prose.js");
    return [...prose(text, "markdown").querySelectorAll("*")].map(({ localName }) => localName);
  }, "# a\n*b* **c** ~~d~~ `e` <b>f</b> <svg onload=alert(1)>\n> g\n\n- h\n\n2. i\n\n---\n```\n</code><img src=x>\n```\n[j](https://k.example/) [l](data:text/html,x) <https://m.example/>");
  assert.deepEqual([...new Set(made)].sort(), ["a", "blockquote", "code", "del", "em", "hr", "li", "ol", "p", "pre", "span", "strong", "ul"]);
});

await step("pages are turned, and a page that has moved on says so", async () => {
  for (let i = 1; i <= 30; i += 1) await api.carl.post("/tickets", { subject: `Question ${i}` });
  await list(ben, "All");
  await ben.getByRole("button", { name: "Next page" }).click();
  await ben.getByText("Page 2 of").waitFor();
  await live(ben);
  await withoutAsking(ben, async () => {
    await api.carl.post("/tickets", { subject: "One more question" });
    await ben.getByRole("button", { name: /Pages have moved on/ }).waitFor();
  });
  await ben.getByRole("button", { name: /Pages have moved on/ }).click();
  await row(ben, "Question 6").waitFor();
  await ben.goBack();
  await row(ben, "One more question").waitFor();
  assert.equal(await ben.locator("tbody tr").count(), 25);
  // A storm is drawn, and the list is as the server has it.
  await withoutAsking(ben, async () => {
    await Promise.all(Array.from({ length: 60 }, (_, i) => api.ada.post("/tickets", { subject: `Storm ${i}` })));
    await row(ben, "Storm").first().waitFor();
    const newest = async () => (await api.ben.get("/tickets?per_page=25")).map(({ number }) => `#${number}`);
    await until("the same list", async () => JSON.stringify(await ben.locator("tbody .number").allTextContents()) === JSON.stringify(await newest()));
  });
  const { length } = await api.ben.get("/tickets?per_page=200");
  await ben.locator(".list-foot").getByText(`of ${length}`).first().waitFor();
});

await step("a list can be walked by keyboard alone", async () => {
  await api.ben.patch("/tickets/5", { type: "colour" });
  await list(ada);
  await row(ada, "Évery label").getByRole("link").focus();
  // What moves in the list does not lose who stands in it.
  await api.ben.patch("/tickets/5", { priority: "high" });
  await row(ada, "Évery label").getByText("High").waitFor();
  assert.equal(await ada.evaluate(() => document.activeElement.textContent), "#5 Évery label is blue");
  await ada.keyboard.press("Enter");
  await heading(ada, "Évery label is blue");
  await ada.goBack();
  await heading(ada, "Tickets");
});

await step("what happened while the server was away is there when it is back", async () => {
  await ada.goto(`${base}/admin/tickets/1`);
  await say(ada).waitFor();
  await live(ada);
  await forgiving([/WebSocket connection/, /Failed to load resource/], async () => {
    await withoutAsking(ada, async () => {
      await restartServer();
      await api.carl.post("/tickets/1/comments", { body: "Are you still there?" });
      // A server that was slow to come back is asked again only after some seconds.
      await entry(ada, "Are you still there?").waitFor({ timeout: 3 * SOON_MS });
    });
    await live(ada);
    await live(ben);
  });
});

await step("an administrator takes the list away as a file", async () => {
  const vera = await openPage(browsers[1]);
  await vera.goto(`${base}/admin/tickets?q=label`);
  await vera.getByLabel("E-mail").fill("vera@example.com");
  await vera.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await vera.keyboard.press("Enter");
  await row(vera, "Label printer").waitFor();
  const download = vera.waitForEvent("download");
  await vera.getByRole("link", { name: "CSV" }).click();
  const lines = readFileSync(await (await download).path(), "utf8").trim().split("\r\n");
  assert.equal(lines.length, 1 + (await api.vera.get("/tickets?q=label&per_page=200")).length);
  assert.equal(await ben.getByRole("link", { name: "CSV" }).count(), 0, "supervisors take no file away");
  await vera.context().close();
});

await step("a ticket that is not there has a page that says so", async () => {
  await forgiving([/404 \(Not Found\)/], async () => {
    await ada.goto(`${base}/admin/tickets/4711`);
    await heading(ada, "No such ticket");
    await inspect(ada, "ticket-missing");
  });
});

for (const browser of browsers) await browser.close();
finish();
