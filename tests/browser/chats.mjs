// A walk of two of staff, a customer, and a visitor on a page of another site: they talk with each
// other, through a crash of the server too, and nothing said is lost. Started by main.rs.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { Api, base, finish, forgiving, inspect, openBrowser, openPage, restartServer, step, until } from "./desk.mjs";

const PASSWORD = "a long walk in the park";
const HOSTILE = "<img src=x onerror=alert(1)>";

const browser = await openBrowser();
const apis = {};
let key = "";

/** Another site, with a policy that allows it our script and our connections and nothing else. */
async function openShop() {
  const policy = `default-src 'none'; script-src ${base}; connect-src ${base} ${base.replace("http", "ws")}`;
  const server = createServer((_, response) => {
    response.writeHead(200, { "Content-Type": "text/html", "Content-Security-Policy": policy });
    response.end(`<!doctype html><html lang="en"><title>A shop</title><h1>A shop</h1><script src="${base}/widget.js" data-key="${key}" async></script></html>`);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => { server.closeAllConnections(); server.close(); } };
}

/** A page of that site, and what it did that it should not have. */
async function visit(url, { sockets = true } = {}) {
  const context = await browser.newContext({ viewport: { width: 900, height: 700 }, reducedMotion: "reduce" });
  context.setDefaultTimeout(10_000);
  // Some proxies let no WebSocket through.
  if (!sockets) await context.addInitScript(() => { window.WebSocket = class { constructor() { setTimeout(() => this.onclose({ code: 1006 }), 20); } close() {} }; });
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.stack));
  page.on("dialog", (dialog) => { faults.push(dialog.message()); dialog.dismiss(); });
  page.on("console", (message) => message.type() === "error" && /Policy|CORS/.test(message.text()) && faults.push(message.text()));
  page.on("request", (request) => {
    const { origin } = new URL(request.url());
    if (![url, base].includes(origin)) faults.push(request.url());
  });
  await page.goto(url);
  return { page, faults, cookies: () => context.cookies() };
}

const heading = (page, name) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
const log = (page) => page.getByRole("log", { name: "Messages" });
const message = (page, words) => page.locator(".chat-message").filter({ hasText: words });
const choose = (page, files) => page.locator(".chat-form input[type=file]").setInputFiles(files);
const says = (page, words) => log(page).getByText(words, { exact: true }).waitFor();
const write = async (page, words) => {
  const box = page.locator(".chat-form").or(page.getByRole("dialog")).getByRole("textbox", { name: /message/i });
  await box.fill(words);
  await box.press("Enter");
};

async function enter(page, path, email) {
  await page.goto(`${base}${path}`);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.keyboard.press("Enter");
  await heading(page, "Chats");
}

await step("people are there", async () => {
  const token = new URL(process.env.DESKBELL_SETUP_LINK).hash.replace("#token=", "");
  await new Api().post("/setup", { token, email: "vera@example.com", name: "Vera Walker", password: PASSWORD, tenant_name: "Bramble & Finch" });
  apis.vera = await Api.signIn("vera@example.com", PASSWORD);
  for (const [name, role] of [["Ada Okafor", "agent"], ["Ben Lindqvist", "agent"], ["Dora Weiss", "customer"]]) {
    const short = name.split(" ")[0].toLowerCase();
    await apis.vera.post("/users", { email: `${short}@example.com`, name, role, password: PASSWORD });
  }
  await apis.vera.post("/teams", { name: "Front desk" });
});

const shop = await openShop();

await step("an administrator lets visitors in, and is shown the line for the pages of a site", async () => {
  const vera = await openPage(browser);
  await enter(vera, "/admin/chats", "vera@example.com");
  await vera.getByRole("link", { name: "Settings", exact: true }).click();
  await heading(vera, "Chat settings");
  await vera.getByText("stands here once you have saved").waitFor();
  await vera.getByLabel("Visitors of our sites may begin chats").check();
  await vera.getByLabel("Chats in hand").fill("many");
  await vera.getByRole("button", { name: "Save" }).click();
  await vera.getByText("A number, 1 to 100").waitFor();
  await vera.getByLabel("Chats in hand").fill("101");
  await vera.getByLabel("Sites that show the chat").fill(`${shop.url}/\n\nwww.example.com`);
  await forgiving([/422/], async () => {
    await vera.getByRole("button", { name: "Save" }).click();
    await vera.getByText("must be an origin").waitFor();
    await vera.getByText("Must be 1 to 100").waitFor();
  });
  await inspect(vera, "chat-settings-wrong");
  await vera.getByLabel("Chats in hand").fill("7");
  await vera.getByLabel("Sites that show the chat").fill(`${shop.url}/`);
  await vera.getByLabel("New chats are for").selectOption("Front desk");
  await vera.getByRole("button", { name: "Save" }).click();
  const line = vera.getByLabel("The line for your pages");
  const first = /data-key="(dbw_[^"]+)"/.exec(await line.textContent())[1];
  await vera.getByRole("button", { name: "Make a new key" }).click();
  await vera.getByRole("alertdialog").getByRole("button", { name: "Make a new key" }).click();
  await line.filter({ hasNotText: first }).waitFor();
  const settings = await apis.vera.get("/chats/settings");
  assert.deepEqual(settings.sites, [shop.url]);
  assert.equal(settings.max_per_agent, 7);
  assert.ok(settings.visitors && settings.team_id && settings.key !== first);
  ({ key } = settings);
  assert.match(await line.textContent(), new RegExp(`data-key="${key}"`));
  await inspect(vera, "chat-settings");
  // Somebody else changes them meanwhile: nothing of theirs is lost.
  await apis.vera.patch("/chats/settings", { team_id: null });
  await forgiving([/409/], async () => {
    await vera.getByRole("button", { name: "Save" }).click();
    await vera.getByText("Somebody else changed these settings").waitFor();
  });
  assert.equal(await vera.getByLabel("New chats are for").inputValue(), "");
  await vera.context().close();
});

const ada = await openPage(browser);
const ben = await openPage(browser);
const visitor = await visit(shop.url);
const { page: shopper } = visitor;

await step("staff look at chats that nobody has yet", async () => {
  await enter(ada, "/admin/chats", "ada@example.com");
  await enter(ben, "/admin/chats", "ben@example.com");
  for (const page of [ada, ben]) await page.getByRole("radio", { name: "Unassigned" }).check();
  await ada.getByText("No chats here").waitFor();
  await inspect(ada, "chats-empty");
});

await step("a visitor begins with a keyboard alone, and staff see it at once", async () => {
  await shopper.getByRole("button", { name: "Chat with us" }).focus();
  await shopper.keyboard.press("Enter");
  const box = shopper.getByRole("dialog", { name: "Chat with us" });
  await box.waitFor();
  await shopper.getByLabel("Name (optional)").fill("Shirley");
  await shopper.getByRole("textbox", { name: "Your message" }).focus();
  await shopper.keyboard.type(`Hello ${HOSTILE}`);
  await shopper.keyboard.press("Enter");
  await says(shopper, `Hello ${HOSTILE}`);
  for (const page of [ada, ben]) await page.getByRole("link", { name: /Shirley/ }).waitFor();
  await shopper.keyboard.press("Escape");
  await box.waitFor({ state: "hidden" });
  await shopper.getByRole("button", { name: "Chat with us" }).click();
});

await step("two of staff and the visitor talk, see who writes, and what was read", async () => {
  await ada.getByRole("link", { name: /Shirley/ }).click();
  await says(ada, `Hello ${HOSTILE}`);
  assert.equal(await ada.locator("img").count(), 0);
  await ben.getByRole("link", { name: /Shirley/ }).click();
  await says(ben, `Hello ${HOSTILE}`);
  await shopper.getByRole("textbox", { name: "Your message" }).pressSequentially("Is");
  await ada.getByText("Shirley is writing…").waitFor();
  await write(shopper, "Is my order on its way?");
  await says(ada, "Is my order on its way?");
  await ada.getByRole("textbox", { name: "Message" }).pressSequentially("It");
  await shopper.getByText("Ada Okafor is writing…").waitFor();
  await ben.getByText("Ada Okafor is writing…").waitFor();
  await write(ada, "It is, since this morning.");
  await says(shopper, "It is, since this morning.");
  await says(ben, "It is, since this morning.");
  await ada.getByRole("button", { name: "Take it" }).click();
  await ada.getByText("With Ada Okafor").waitFor();
  await ben.getByText("With Ada Okafor").waitFor();
  await log(ada).getByText(/seen/).first().waitFor();
  await inspect(ada, "chat");
});

await step("a file goes with a message, which is mended and then deleted where it stands", async () => {
  const receipt = { name: "receipt.txt", mimeType: "text/plain", buffer: Buffer.from("12.50") };
  await choose(ada, [receipt, { name: "nothing.txt", mimeType: "text/plain", buffer: Buffer.alloc(0) }]);
  await ada.getByText("nothing.txt: It is empty.").waitFor();
  await ada.getByRole("button", { name: "Send" }).click();
  await ada.getByText("Write a few words to go with the files.").waitFor();
  await write(ada, "Here is the recept.");
  for (const page of [ada, ben]) await log(page).getByRole("link", { name: "receipt.txt" }).waitFor();
  assert.equal(await message(ben, "Here is the recept.").getByRole("button").count(), 0, "it is not Ben's");
  await message(ada, "Here is the recept.").getByRole("button", { name: "Edit this message" }).click();
  const text = log(ada).getByLabel("Message", { exact: true });
  await text.fill("");
  await forgiving([/422/], async () => {
    await log(ada).getByRole("button", { name: "Save" }).click();
    await log(ada).getByText("Must not be empty").waitFor();
  });
  await text.fill("Here is the receipt.");
  // What is written meanwhile leaves the text that is being mended alone.
  await write(ben, "One moment.");
  await says(ada, "One moment.");
  await inspect(ada, "chat-edit");
  await text.press("Control+Enter");
  for (const page of [ada, ben, shopper]) await says(page, "Here is the receipt.");
  await message(ben, "Here is the receipt.").getByText(/edited/).waitFor();
  assert.equal(await ada.evaluate(() => document.activeElement.getAttribute("aria-label")), "Edit this message");
  await inspect(ada, "chat-file");
  await message(ada, "Here is the receipt.").getByRole("button", { name: "Delete this message" }).click();
  await ada.getByRole("alertdialog").getByRole("button", { name: "Delete message" }).click();
  for (const page of [ada, ben]) {
    await says(page, "Deleted");
    await log(page).getByRole("link", { name: "receipt.txt" }).waitFor({ state: "hidden" });
  }
});

await step("it is passed on, becomes a ticket, and both sides go on", async () => {
  await ada.getByLabel("Give it to").selectOption({ label: "Ben Lindqvist" });
  await ben.getByText("With Ben Lindqvist").waitFor();
  await ben.getByRole("button", { name: "Make a ticket" }).click();
  await ben.getByRole("link", { name: "Its ticket" }).waitFor();
  await ada.getByRole("link", { name: "Its ticket" }).waitFor();
  await write(ben, "Ben here.");
  await says(shopper, "Ben here.");
});

await step("the server dies: what the visitor writes meanwhile arrives once it is back, once", async () => {
  await forgiving([/WebSocket/, /Failed to load/, /ERR_/, /503/], async () => {
    const restarted = restartServer();
    await write(shopper, "Are you still there?");
    await restarted;
    await says(ben, "Are you still there?");
    await write(ben, "We are.");
    await says(shopper, "We are.");
    await says(ada, "We are.");
  });
  assert.equal(await log(ben).getByText("Are you still there?").count(), 1);
  assert.equal(await log(shopper).getByText("Are you still there?").count(), 1);
});

await step("the visitor comes back to the page, and the chat is there", async () => {
  await shopper.reload();
  await shopper.getByRole("button", { name: /Chat with us/ }).click();
  await says(shopper, `Hello ${HOSTILE}`);
  await says(shopper, "We are.");
  await write(shopper, "Thank you!");
  await says(ben, "Thank you!");
  assert.deepEqual(await visitor.cookies(), [], "no cookie");
});

await step("where no socket gets through, the chat goes on by asking", async () => {
  const other = await visit(shop.url, { sockets: false });
  await other.page.getByRole("button", { name: "Chat with us" }).click();
  await write(other.page, "Nothing but HTTP here");
  await says(other.page, "Nothing but HTTP here");
  await ada.goto(`${base}/admin/chats`);
  await ada.getByRole("radio", { name: "All" }).check();
  await ada.getByRole("link", { name: /Nothing but HTTP here/ }).click();
  await write(ada, "That will do.");
  await says(other.page, "That will do.");
  await ada.getByRole("button", { name: "Close" }).click();
  await other.page.getByText("This chat is over.").waitFor();
  assert.deepEqual(other.faults, []);
});

await step("a customer talks to staff from their own pages", async () => {
  const dora = await openPage(browser);
  await enter(dora, "/help/chats", "dora@example.com");
  await inspect(dora, "help-chats");
  await dora.getByRole("textbox", { name: "Your first message" }).fill("The printer, again");
  await dora.getByRole("button", { name: "Begin a chat" }).click();
  await says(dora, "The printer, again");
  await ben.goto(`${base}/admin/chats`);
  await ben.getByRole("radio", { name: "All" }).check();
  await ben.getByRole("link", { name: /Dora Weiss/ }).click();
  await write(ben, "What does it do?");
  await says(dora, "What does it do?");
  await choose(dora, [{ name: "sound.txt", mimeType: "text/plain", buffer: Buffer.from("krrk") }]);
  await write(dora, "It makes this sound.");
  for (const page of [dora, ben]) await log(page).getByRole("link", { name: "sound.txt" }).waitFor();
  assert.equal(await message(dora, "What does it do?").getByRole("button").count(), 0, "it is not hers");
  await message(dora, "The printer, again").getByRole("button", { name: "Edit this message" }).click();
  await log(dora).getByLabel("Message", { exact: true }).fill("The printer, once more");
  await log(dora).getByRole("button", { name: "Save" }).click();
  await says(ben, "The printer, once more");
  await inspect(dora, "help-chat");
  await message(dora, "It makes this sound.").getByRole("button", { name: "Delete the file sound.txt" }).click();
  await dora.getByRole("alertdialog").getByRole("button", { name: "Delete file" }).click();
  await log(ben).getByRole("link", { name: "sound.txt" }).waitFor({ state: "hidden" });
  await dora.getByRole("button", { name: "End chat" }).click();
  await dora.getByText("This chat is over.").waitFor();
  await log(dora).getByRole("button", { name: "Edit this message" }).first().waitFor({ state: "hidden" });
  await until("the log", async () => (await ben.getByRole("button", { name: "Open again" }).count()) === 1);
});

await step("the visitor ends the chat, and may begin another one", async () => {
  await shopper.getByRole("button", { name: "End chat" }).click();
  await shopper.getByRole("button", { name: "New chat" }).click();
  await shopper.getByLabel("Name (optional)").waitFor();
  assert.deepEqual(visitor.faults, []);
});

shop.close();
await browser.close();
finish();
