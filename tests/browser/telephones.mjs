// An administrator connects a telephone system: one that answers, one that is not there, one that
// posts. Each step is a promise. Started by main.rs.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { Api, base, finish, forgiving, inspect, openBrowser, openPage, step } from "./desk.mjs";

const PASSWORD = "a long walk in the park";
const HOSTILE = "<img src=x onerror=alert(1)>";

const browser = await openBrowser();
const heading = (page, name) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
const row = (page, text) => page.getByRole("row").filter({ hasText: text });
const dialog = (page) => page.locator("dialog[open]").last();

/** An Asterisk that lets in who has the right secret, and has neither queues nor channels. */
const asterisk = createServer((socket) => {
  const say = (fields) => socket.write(`${Object.entries(fields).map(([key, value]) => `${key}: ${value}\r\n`).join("")}\r\n`);
  socket.on("error", () => {});
  socket.write("Asterisk Call Manager/11.0.0\r\n");
  let text = "";
  socket.on("data", (bytes) => {
    text += bytes;
    for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
      const asked = Object.fromEntries(text.slice(0, end).split("\r\n").map((line) => line.split(": ")));
      text = text.slice(end + 4);
      const { Action: action, ActionID, Secret: secret } = asked;
      const good = action !== "Login" || secret === "right";
      say({ Response: good ? "Success" : "Error", ActionID, Message: good ? "Fine" : `Authentication failed ${HOSTILE}` });
      if (action === "QueueStatus") say({ Event: "QueueStatusComplete", ActionID });
      if (action === "CoreShowChannels") say({ Event: "CoreShowChannelsComplete", ActionID });
    }
  });
});
await new Promise((done) => asterisk.listen(0, "127.0.0.1", done));
const { port } = asterisk.address();

const page = await openPage(browser);

await step("a house without telephones says what they would be good for", async () => {
  const token = new URL(process.env.DESKBELL_SETUP_LINK).hash.replace("#token=", "");
  await new Api().post("/setup", { token, email: "vera@example.com", name: "Vera Walker", password: PASSWORD, tenant_name: "Bramble & Finch" });
  await page.goto(`${base}/admin/pbx`);
  await page.getByLabel("E-mail").fill("vera@example.com");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.keyboard.press("Enter");
  await heading(page, "Telephones");
  await page.getByText("No telephones yet").waitFor();
  await inspect(page, "telephones-none");
});

await step("what is missing is told beside its field, and a wrong secret by the list", async () => {
  await page.getByRole("button", { name: "Add a telephone system" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill(`Asterisk ${HOSTILE}`);
  await forgiving([/status of 422/], async () => {
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await dialog(page).getByText("Must be the name or the address of a host").waitFor();
  });
  await page.getByLabel("Host").fill("127.0.0.1");
  await page.getByLabel("Port").fill(String(port));
  await page.getByLabel("User").fill("deskbell");
  await page.getByLabel("Secret").fill("wrong");
  await inspect(page, "telephones-add");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await row(page, "Asterisk").getByText("it refused the login: Authentication failed").waitFor();
  await row(page, "Asterisk").getByText("no connection").waitFor();
  assert.equal(await page.locator("img").count(), 0);
});

await step("a test says what it found, and with the right secret it is connected", async () => {
  await page.getByRole("button", { name: /^Asterisk/ }).click();
  await page.getByRole("button", { name: "Test" }).click();
  await dialog(page).getByRole("status").getByText("it refused the login").waitFor();
  await page.getByLabel("Secret").fill("right");
  await page.getByRole("button", { name: "Save" }).click();
  await row(page, "Asterisk").getByText("connected", { exact: true }).waitFor();
  await page.getByRole("button", { name: /^Asterisk/ }).click();
  assert.equal(await page.getByLabel("Secret").inputValue(), "");
  await page.getByRole("button", { name: "Test" }).click();
  await dialog(page).getByText("Asterisk Call Manager/11.0.0").waitFor();
  await inspect(page, "telephones-test");
  await page.keyboard.press("Escape");
});

await step("what posts its calls gets an address that is shown once", async () => {
  await page.getByRole("button", { name: "Add a telephone system" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Cloud");
  await page.getByLabel("What is it?").selectOption("cti");
  await page.getByLabel("Host").waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Add", exact: true }).click();
  const url = await page.getByLabel("Address", { exact: true }).textContent();
  await inspect(page, "telephones-address");
  await page.getByRole("button", { name: "Done" }).click();
  const told = await fetch(url, { method: "POST", body: new URLSearchParams({ event: "newCall", direction: "in", callId: "1", from: "4930987654", to: "110" }) });
  assert.equal(await told.text(), "{}");
  await row(page, "Cloud").getByText("listening").waitFor();
  await row(page, "Cloud").getByRole("cell", { name: "1", exact: true }).waitFor();
  await inspect(page, "telephones");
});

await step("one that is taken away is gone, and asked for before", async () => {
  await page.getByRole("button", { name: /^Asterisk/ }).click();
  await page.getByRole("button", { name: "Take away" }).click();
  await dialog(page).getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Take away" }).click();
  await dialog(page).getByRole("button", { name: "Take away" }).click();
  await row(page, "Asterisk").waitFor({ state: "detached" });
  await row(page, "Cloud").waitFor();
});

asterisk.close();
await browser.close();
finish();
