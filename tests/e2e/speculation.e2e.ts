// What the page shows of speculation, with a stand-in engine whose drafters are known.
import { fakeEngine } from "./fake";
import { expect, finishedReply, reload, replies, say, scrollsSideways, test } from "./fixtures";

test("a reply's words are coloured by who proposed them, live and after a reload, and its figures open to more", async ({ page }) => {
  await fakeEngine(page, { reply: "Hello. I am **a fox** in a box." });
  await page.goto("./");
  await say(page, "Hello");
  expect(await finishedReply(page)).toContain("2.4 tokens a pass · 67 % of drafts accepted");
  const reply = replies(page).last();
  await expect(reply.locator("strong")).toHaveText("a fox");
  await reply.getByText(/first token/).click();
  await expect(reply.getByText("6 of 9 accepted")).toBeVisible();
  await expect(reply.getByText("3 of 3 (100 %)")).toBeVisible();
  await reply.getByRole("switch", { name: "Show where words came from" }).check();
  const legend = reply.getByRole("list", { name: "Where words came from" });
  await expect(legend.getByRole("listitem")).toHaveCount(5);
  await expect(legend).toContainText("learnt on this device");
  const pieces = reply.getByTitle(/^Proposed by: /);
  const shown = async () => ({
    text: (await pieces.allTextContents()).join(""),
    titles: await pieces.evaluateAll((spans) => spans.map((span) => span.getAttribute("title"))),
    lines: await pieces.evaluateAll((spans) => new Set(spans.map((span) => getComputedStyle(span).textDecorationStyle)).size),
  });
  const before = await shown();
  expect(before.text).toBe("Hello. I am a fox in a box.");
  await expect(reply.locator("strong"), "formatted all the same").toHaveText("a fox");
  expect(before.titles.slice(0, 3)).toEqual([
    "Proposed by: the model itself",
    "Proposed by: seen earlier in this chat",
    "Proposed by: the model's habits",
  ]);
  expect(before.lines).toBe(4); // Not by colour alone: no line and solid have one style, then dotted, wavy and double.
  await reload(page);
  await expect(legend).toBeVisible();
  await expect.poll(shown).toEqual(before);
  await reply.getByText(/first token/).click();
  await reply.getByRole("switch", { name: "Show where words came from" }).uncheck();
  await expect(reply.locator("strong")).toHaveText("a fox");
});

test("speculation and what this device has learnt are seen, erased and switched off under Settings", async ({ page }) => {
  await fakeEngine(page);
  await page.goto("./");
  await page.getByRole("button", { name: "Settings" }).click();
  const settings = page.getByRole("dialog", { name: "Settings" });
  await settings.getByText("Learnt: what follows 120 pieces of text").click();
  await expect(settings.getByRole("row", { name: "a fox in a box 7" })).toBeVisible();
  await settings.getByRole("button", { name: "Erase what was learnt" }).click();
  await settings.getByRole("button", { name: "Really erase it?" }).click();
  await expect(settings.getByText("Nothing is learnt from this model’s replies yet.")).toBeVisible();
  await settings.getByRole("switch", { name: "Guess ahead" }).uncheck();
  await page.keyboard.press("Escape");
  await say(page, "Hello");
  expect(await finishedReply(page)).not.toContain("drafts");
});

test("the explanation works offline, and its dice fall as it says", async ({ page, context }) => {
  await fakeEngine(page);
  await page.goto("./");
  await expect(page.getByText("Ready to work offline.")).toBeVisible();
  await context.setOffline(true);
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("link", { name: "How that works" }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("How speculation works");
  const own = page.getByRole("region", { name: "Dice of their own" });
  const same = page.getByRole("region", { name: "The same dice" });
  await expect(own).toContainText("Nothing is drawn yet.");
  await page.getByRole("button", { name: "Draw a number" }).click();
  await expect(same).toContainText("The same number 1 of 1 times: 100 %");
  await page.getByRole("button", { name: "Draw 1,000" }).click();
  await expect(same).toContainText("The same number 1,001 of 1,001 times: 100 %");
  await expect(own).toContainText(/of 1,001 times: ([89]|1[012]) %/);

  const row = page.getByRole("row", { name: /^The same dice/ });
  const [, measured = "", theory = ""] = (await row.textContent())?.match(/([\d.]+) %([\d.]+) %/) ?? [];
  expect(Math.abs(Number(measured) - Number(theory))).toBeLessThan(3); // four standard errors of 5,000 draws
  await page.getByRole("slider", { name: "The speculator expects 7" }).fill("40");
  await expect(row).toContainText("100.0 %100.0 %");
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await scrollsSideways(page)).toBe(false);
  await page.goBack();
  await expect(page.getByRole("textbox", { name: "Message" })).toBeVisible();
});
