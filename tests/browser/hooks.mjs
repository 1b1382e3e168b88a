// The part of the walk that looks after webhooks: what failed is sent again, a secret is rotated,
// a bin is watched, the catalogue is read.

import assert from "node:assert/strict";
import { base, forgiving, inspect, step, until } from "./desk.mjs";

/** `open` goes to a page by the navigation, `heading` waits for one. */
export async function lookAfterWebhooks({ page, api, open, heading, hostile }) {
  const dialog = page.getByRole("dialog");

  await step("a request bin is made, and shows what comes within a second, hostile or not", async () => {
    await open("Request bins");
    await inspect(page, "bins-empty");
    await page.getByRole("button", { name: "New bin" }).first().click();
    await page.getByText("Nothing came yet").waitFor();
    await page.getByLabel("Name", { exact: true }).fill(`Tryout ${hostile}`);
    await page.getByRole("button", { name: "Save" }).click();
    await heading(`Tryout ${hostile}`);
    const url = await page.locator(".page-head code").textContent();
    assert.ok(url.startsWith(`${base}/bin/`), url);
    await fetch(url, { method: "POST", body: hostile, headers: { "x-odd": hostile } });
    const line = page.locator(".came").filter({ hasText: "POST" });
    await line.getByText("not signed").waitFor({ timeout: 3_000 });
    await line.locator("summary").click();
    await page.getByLabel("Headers", { exact: true }).getByText(hostile).waitFor();
    await page.getByLabel("Body", { exact: true }).getByText(hostile).waitFor();
    assert.equal(await page.locator("img").count(), 0);
  });

  const [bin] = await api.get("/bins");
  const hook = await step("a webhook that points to the bin is delivered there, signed well", async () => {
    const made = await api.post("/webhooks", { name: "Binned", url: bin.url, events: ["order.*"], retry_count: 0 });
    await api.post("/events", { type: "order.paid", data: { order: "C-3" } });
    await page.locator(".came").filter({ hasText: "order.paid" }).getByText("signature valid").waitFor();
    await page.locator(".came").filter({ hasText: "order.paid" }).locator("summary").click();
    await page.getByLabel("Body", { exact: true }).getByText('"order": "C-3"').waitFor();
    await inspect(page, "bin");
    await page.getByLabel("Answers with status").fill("99");
    await forgiving([/422 \(Unprocessable/], async () => {
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("must be 200 to 599").waitFor();
    });
    await page.getByLabel("Answers with status").fill("500");
    await page.getByRole("button", { name: "Save" }).click();
    await until("the new behaviour", async () => (await api.get(`/bins/${bin.id}`)).behaviour.status === 500 || null);
    return made;
  });

  await step("what failed is sent again: one by one, or many after counting them", async () => {
    await api.post("/events", { type: "order.failed", data: { order: "D-4" } });
    await open("Webhooks");
    await page.getByRole("link", { name: "Binned" }).click();
    await heading("Binned");
    const failed = page.getByRole("row").filter({ hasText: "order.failed" }).first();
    await failed.getByText("HTTP 500").waitFor();
    await failed.getByRole("button", { name: /Details/ }).click();
    await page.getByText("What is sent").click();
    await page.getByLabel("Body that is sent").getByText('"order": "D-4"').waitFor();
    await inspect(page, "webhook-delivery");
    await api.call("PATCH", `/bins/${bin.id}`, { behaviour: { status: 200, delay_ms: 40 } });
    await page.getByRole("button", { name: "Deliver now" }).click();
    await page.getByText("The delivery was delivered, after 2 tries.").first().waitFor();
    await page.getByRole("button", { name: "Send again" }).click();
    await dialog.getByRole("button", { name: "Count them" }).click();
    await dialog.getByText("There is nothing to send again.").waitFor();
    await dialog.getByLabel("delivered already").check();
    await dialog.getByRole("button", { name: "Count them" }).click();
    await dialog.getByText("2 deliveries would be sent again.").waitFor();
    await inspect(page, "webhook-replay");
    await dialog.getByRole("button", { name: "Send 2 again" }).click();
    await dialog.getByText("All of them are in the queue").waitFor();
    await dialog.getByRole("button", { name: "Close" }).last().click();
    await until("all of them", async () => (await api.get(`/bins/${bin.id}`)).taken >= 6 || null);
  });

  await step("a secret is rotated, shown once, and both sign", async () => {
    await page.getByRole("button", { name: "Rotate secret" }).click();
    await dialog.getByRole("button", { name: "Make another secret" }).click();
    await dialog.getByText("it is not shown again").waitFor();
    const secret = await dialog.locator(".secret").textContent();
    assert.ok(secret.startsWith("whsec_") && secret !== hook.secret);
    await inspect(page, "webhook-rotated");
    await dialog.getByRole("button", { name: "I have kept it" }).click();
    const { success } = await api.post(`/webhooks/${hook.id}/test`);
    assert.ok(success);
    const [last] = await api.get(`/bins/${bin.id}/requests`);
    assert.equal(last.headers["webhook-signature"].split(" ").length, 2);
    assert.equal(last.signature.verdict, "valid");
  });

  await step("code for receivers is there in six languages", async () => {
    await page.getByRole("button", { name: "Code", exact: true }).click();
    await dialog.getByLabel("Code in Python").getByText('event["event"]').waitFor();
    await dialog.getByRole("button", { name: "Go", exact: true }).click();
    await dialog.getByLabel("Code in Go").getByText("func ReadDelivery").waitFor();
    await inspect(page, "webhook-code");
    await page.keyboard.press("Escape");
    await page.getByRole("img", { name: /Deliveries of the last 24 hours: .* delivered/ }).waitFor();
    await page.locator(".legend").getByText(/answer time, up to \d+ ms/).waitFor();
    await inspect(page, "webhook-chart");
  });

  await step("the catalogue is searched and read", async () => {
    await open("Event types");
    await page.getByLabel("Search kinds of events").fill("ticket.created");
    await page.locator(".came summary").first().click();
    await page.getByLabel("JSON Schema of its data").waitFor();
    await inspect(page, "event-types");
  });

  await step("a bin is deleted only after asking", async () => {
    await open("Request bins");
    await page.getByRole("row").filter({ hasText: "200 after 40 ms" }).waitFor();
    await inspect(page, "bins");
    await page.getByRole("link", { name: /Tryout/ }).click();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Delete bin" }).click();
    await page.getByText("No bins yet").waitFor();
    await api.delete(`/webhooks/${hook.id}`);
  });
}
