// The main job with the shipped model and the real engine: a visitor types and is answered, online and offline.
import { expect, finishedReply, modelReady, questions, replies, say, shortReplies, test } from "./fixtures";

// One page for what needs no page of its own: on the software adapter each load of the model takes longer than all else together.
test("first visit to first reply, stopping, and equal seeds", async ({ page }) => {
  await page.goto("./");
  await test.step("a first message is answered", async () => {
    await expect(page.getByRole("heading", { name: "A chat that stays with you" })).toBeVisible();
    await say(page, "Hello"); // at once: the message waits for the model
    await expect(questions(page)).toHaveText("Hello");
    const text = await finishedReply(page);
    expect(text.length).toBeGreaterThan(10);
    expect(text).toMatch(/tokens\/s · first token [\d.]+ m?s · \d+ tokens/);
    await modelReady(page);
    await page.getByRole("button", { name: "Models", exact: true }).click();
    const models = page.getByRole("dialog", { name: "Models" });
    await expect(models.getByText("Loaded in")).toBeVisible();
    await expect(models.getByText(/lfm2 · [\d.]+M parameters · INT8/)).toBeVisible();
    await page.keyboard.press("Escape");
  });

  await test.step("a reply can be stopped in the middle, by the button and by Esc, and what was written stays", async () => {
    for (const stop of [() => page.getByRole("button", { name: "Stop" }).click(), () => page.keyboard.press("Escape")]) {
      await say(page, "Tell me a story about a fox");
      await expect(
        replies(page)
          .last()
          .getByText(/\w+ \w+/),
      ).toBeVisible();
      await stop();
      await expect(replies(page).last()).toHaveAttribute("aria-busy", "false");
      await expect(replies(page).last().getByText("Stopped")).toBeVisible();
      await expect(page.getByRole("button", { name: "Send" })).toBeVisible();
    }
    await say(page, "Hello");
    await finishedReply(page);
  });

  await test.step("the same seed gives the same reply, and another seed may be set per reply", async () => {
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByLabel("Seed").fill("42");
    await page.keyboard.press("Escape");
    await shortReplies(page);
    const texts: string[] = [];
    for (let round = 0; round < 2; round++) {
      await page.getByRole("link", { name: "New chat" }).click();
      await expect(replies(page)).toHaveCount(0);
      await say(page, "Tell me a story about a fox");
      await finishedReply(page);
      texts.push((await replies(page).last().locator("p").allTextContents()).join("\n"));
    }
    expect(texts[0]).toBe(texts[1]);
    expect(texts[0]?.length).toBeGreaterThan(20);
  });
});

test("after one visit, an offline reload loads the app, the conversation and the model, and goes on", async ({ page, context }) => {
  await page.goto("./");
  await modelReady(page);
  await expect(page.getByText("Ready to work offline.")).toBeVisible(); // for some seconds only
  await shortReplies(page);
  await say(page, "Is this private?");
  const before = await finishedReply(page);
  await context.setOffline(true);
  await page.reload();
  await expect(replies(page)).toHaveCount(1);
  await expect(replies(page).getByText(/first token/)).toBeVisible();
  expect(before).toContain(await replies(page).textContent()); // all but the details, which are fetched a moment later
  await expect(page.getByRole("navigation").getByRole("link", { name: "Is this private?" })).toHaveAttribute("aria-current", "page");
  await modelReady(page);
  await say(page, "What are you?");
  expect((await finishedReply(page)).length).toBeGreaterThan(10);
  await expect(replies(page)).toHaveCount(2);
  await page.close();
  const fresh = await context.newPage();
  await fresh.goto("./");
  await modelReady(fresh);
});
