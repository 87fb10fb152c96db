// The page's own work, with a stand-in engine whose replies are known.
import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { fakeEngine } from "./fake";
import { composer, expect, finishedReply, questions, reload, replies, say, scrollsSideways, test } from "./fixtures";

const list = (page: Page) => page.getByRole("navigation", { name: "Conversations" });

test("suggestions, edit, regenerate: each makes the conversation that one expects", async ({ page }) => {
  await fakeEngine(page, { reply: "Reply number {n}." });
  await page.goto("./");
  await page.getByRole("button", { name: "Is this private?" }).click();
  await finishedReply(page);
  await page.getByRole("button", { name: "Regenerate" }).click();
  await expect(replies(page)).toContainText("Reply number 2.");
  await finishedReply(page);
  await expect(replies(page)).toHaveCount(1);
  await questions(page).hover();
  await page.getByRole("button", { name: "Edit message" }).click();
  await page.getByRole("textbox", { name: "Edit your message" }).fill("And offline?");
  await page.getByRole("button", { name: "Send again" }).click();
  await expect(replies(page)).toContainText("Reply number 3.");
  await finishedReply(page);
  await expect(questions(page)).toHaveText("And offline?");
  await expect(replies(page)).toHaveCount(1);
  await expect(list(page).getByRole("link", { name: "And offline?" })).toBeVisible();
});

test("conversations can be renamed, found, deleted, and brought back", async ({ page }) => {
  await fakeEngine(page, { reply: "It is about tomatoes." });
  await page.goto("./");
  for (const text of ["First question", "Second question"]) {
    await page.getByRole("link", { name: "New chat" }).click();
    await expect(replies(page)).toHaveCount(0);
    await say(page, text);
    await finishedReply(page);
  }
  await list(page).getByRole("link", { name: "First question" }).hover();
  await page.getByRole("button", { name: "Rename “First question”" }).click();
  await page.getByRole("textbox", { name: "Name of the conversation" }).fill("Gardening");
  await page.keyboard.press("Enter");
  const search = page.getByRole("searchbox", { name: "Search conversations" });
  await search.fill("garden");
  await expect(list(page).getByRole("link", { name: "Second question" })).toHaveCount(0);
  await search.fill("TOMATOES");
  await expect(list(page).getByRole("link", { name: "Second question" })).toBeVisible();
  await search.fill("");
  await page.getByRole("button", { name: "Delete “Second question”" }).click();
  await expect(list(page).getByRole("link", { name: "Second question" })).toHaveCount(0);
  await expect(page).toHaveURL(/#\/$/);
  await page.getByRole("button", { name: "Undo" }).click();
  await list(page).getByRole("link", { name: "Second question" }).click();
  await expect(replies(page)).toContainText("tomatoes");
  await reload(page);
  await expect(list(page).getByRole("link", { name: "Gardening" })).toBeVisible();
  await expect(replies(page)).toContainText("tomatoes");
});

test("two tabs show the same conversation", async ({ page, context }) => {
  await fakeEngine(page);
  await page.goto("./");
  await say(page, "From the first tab");
  await finishedReply(page);
  const second = await context.newPage();
  await fakeEngine(second);
  await second.goto(page.url());
  await expect(replies(second)).toHaveCount(1);
  await say(second, "From the second tab");
  await finishedReply(second);
  await expect(questions(page)).toHaveText(["From the first tab", "From the second tab"]);
  await expect(replies(page).last()).toContainText("first token");
});

test("Markdown is shown, and nothing in it runs or loads", async ({ page }) => {
  const reply = [
    "**bold** and `code`",
    "<img src=x onerror=\"document.title='broken in'\"><script>document.title='broken in'</script>",
    "[bad](javascript:document.title='broken_in') [good](https://example.org/) ![picture](https://example.org/a.png)",
    "```js\nlet x = 1;\n```",
  ].join("\n\n");
  await fakeEngine(page, { reply });
  await page.goto("./");
  await say(page, "Show me");
  await finishedReply(page);
  const last = replies(page).last();
  await expect(last.locator("strong")).toHaveText("bold");
  await expect(last.getByText("<script>")).toBeVisible();
  await expect(last.locator("img, script")).toHaveCount(0);
  await expect(last.getByRole("link")).toHaveText(["good", "picture"]);
  await expect(last.getByRole("link", { name: "good" })).toHaveAttribute("rel", /noopener/);
  await expect(page).toHaveTitle("Show me · Gyre");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await last.getByRole("button", { name: "Copy code" }).click();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe("let x = 1;");
});

test("reading further up is not disturbed by a reply that grows", async ({ page }) => {
  await fakeEngine(page, { tokenMs: 15, reply: "A line of the reply.\n\n".repeat(2000) }); // which grows as long as this takes
  await page.goto("./");
  await say(page, "A long one");
  await expect(page.getByText("A line of the reply.").nth(30)).toBeAttached();
  const thread = page.getByRole("region", { name: "Conversation" });
  const atEnd = () => thread.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight < 80);
  await expect.poll(atEnd).toBe(true);
  await thread.hover();
  await page.mouse.wheel(0, -600);
  const toEnd = page.getByRole("button", { name: "Go to the newest message" });
  await expect(toEnd).toBeVisible();
  const count = await page.getByText("A line of the reply.").count();
  await expect(page.getByText("A line of the reply.").nth(count + 10)).toBeAttached();
  expect(await atEnd()).toBe(false);
  await toEnd.click();
  await expect.poll(atEnd).toBe(true);
});

test("settings are kept, wrong ones are refused, and the theme changes the page", async ({ page }) => {
  await fakeEngine(page);
  await page.goto("./");
  await page.getByRole("button", { name: "Settings" }).click();
  const settings = page.getByRole("dialog", { name: "Settings" });
  await settings.getByLabel("System prompt").fill("Be brief.");
  await settings.getByLabel("Temperature").fill("9");
  await expect(settings.getByText("Between 0 and 5.")).toBeVisible();
  await settings.getByLabel("Temperature").fill("0,3");
  await expect(settings.getByText("Between 0 and 5.")).toHaveCount(0);
  const colour = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await settings.getByLabel("Light").check();
  const light = await colour();
  await settings.getByLabel("Dark").check();
  await expect.poll(colour).not.toBe(light);
  await page.keyboard.press("Escape");
  await expect(settings).toHaveCount(0);
  const dark = await colour();
  await reload(page);
  await expect(composer(page)).toBeVisible();
  await expect.poll(colour).toBe(dark); // from the first frame, unless the database takes longer than a page should wait for it
  await page.getByRole("button", { name: "Settings" }).click();
  await expect(settings.getByLabel("System prompt")).toHaveValue("Be brief.");
  await expect(settings.getByLabel("Temperature")).toHaveValue("0.3");
});

test("conversations leave as a file, are deleted, and come back from it", async ({ page }) => {
  await fakeEngine(page, { reply: "Keep me." });
  await page.goto("./");
  await say(page, "Take this with you");
  await finishedReply(page);
  await page.getByRole("button", { name: "Settings" }).click();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export conversations" }).click();
  const path = await (await download).path();
  expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({
    format: "gyre-chats",
    conversations: [{ title: "Take this with you" }],
  });
  await page.getByRole("button", { name: "Delete all conversations and settings" }).click();
  await page.getByRole("button", { name: "Really delete them?" }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(list(page).getByRole("link", { name: "Take this with you" })).toHaveCount(0);
  await page.getByRole("button", { name: "Settings" }).click();
  await expect(page.getByText("Nothing is learnt from this model’s replies yet.")).toBeVisible();
  const picker = page.getByLabel("File with exported conversations");
  await picker.setInputFiles({ name: "broken.json", mimeType: "application/json", buffer: Buffer.from('{"format":"other"}') });
  await expect(page.getByRole("alert")).toContainText("broken.json: This file cannot be imported: it was not exported by Gyre.");
  await picker.setInputFiles(path);
  await page.keyboard.press("Escape");
  await list(page).getByRole("link", { name: "Take this with you" }).click();
  await expect(replies(page)).toContainText("Keep me.");
});

test("an unsent draft survives a reload and a look at another conversation", async ({ page }) => {
  await fakeEngine(page);
  await page.goto("./");
  await say(page, "One");
  await finishedReply(page);
  await composer(page).fill("half a thou");
  await page.getByRole("link", { name: "New chat" }).click();
  await expect(composer(page)).toHaveValue("");
  await page.goBack();
  await expect(composer(page)).toHaveValue("half a thou");
  await page.reload();
  await expect(composer(page)).toHaveValue("half a thou");
});

test("the composer has the focus from the start, Shift+Enter breaks a line and Enter sends", async ({ page }) => {
  await fakeEngine(page);
  await page.goto("./");
  await expect(composer(page)).toBeFocused();
  await page.keyboard.type("one");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("two");
  await expect(composer(page)).toHaveValue("one\ntwo");
  await page.keyboard.press("Enter");
  await expect(composer(page)).toHaveValue("");
  await expect(questions(page)).toHaveText("one\ntwo");
  await expect(composer(page)).toBeFocused();
});

test("an input method's Enter does not send", async ({ page }) => {
  await fakeEngine(page);
  await page.goto("./");
  await composer(page).fill("にほ");
  await composer(page).evaluate((field) =>
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true })),
  );
  await expect(composer(page)).toHaveValue("にほ");
  await composer(page).press("Enter");
  await expect(questions(page)).toHaveText("にほ");
});

test("at 360 px nothing scrolls sideways, the list is a drawer, and everything is within reach", async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  const wide = `| a | b | c |\n|---|---|---|\n| ${"x".repeat(60)} | ${"y".repeat(60)} | z |\n\n\`\`\`\n${"long ".repeat(60)}\n\`\`\`\n\n${"w".repeat(200)}`;
  await fakeEngine(page, { reply: wide });
  await page.goto("./");
  expect(await scrollsSideways(page)).toBe(false);
  await say(page, `A question with ${"averylongword".repeat(12)}`);
  await finishedReply(page);
  expect(await scrollsSideways(page)).toBe(false);
  await expect(list(page)).toBeHidden();
  await page.getByRole("button", { name: "Open the list of conversations" }).click();
  await expect(list(page)).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(list(page)).toBeHidden();
  for (const name of ["Settings", "Models"]) {
    await page.getByRole("button", { name: "Open the list of conversations" }).click();
    await list(page).getByRole("button", { name }).click();
    await expect(page.getByRole("dialog", { name })).toBeVisible();
    expect(await scrollsSideways(page)).toBe(false);
    await page.keyboard.press("Escape");
    await expect(list(page)).toBeHidden();
  }
});

test("every control has a name, and the landmarks are there", async ({ page }) => {
  await fakeEngine(page);
  await page.goto("./");
  await say(page, "Hello");
  await finishedReply(page);
  for (const opened of [null, "Settings", "Models"]) {
    const dialog = page.getByRole("dialog");
    if (opened !== null) {
      await page.getByRole("button", { name: opened, exact: true }).click();
      await expect(dialog).toBeVisible(); // it is fetched when it is first wanted
    }
    const nameless = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>("button, a, input:not([hidden]), textarea, dialog")]
        .filter((element) => {
          const labelled = element.getAttribute("aria-labelledby");
          const label = labelled === null ? "" : (document.getElementById(labelled)?.textContent ?? "");
          const labels =
            "labels" in element ? [...((element as HTMLInputElement).labels ?? [])].map((one) => one.textContent).join("") : "";
          const text = element.tagName === "DIALOG" ? "" : element.textContent;
          return `${element.getAttribute("aria-label") ?? ""}${label}${labels}${text}`.trim() === "";
        })
        .map((element) => element.outerHTML),
    );
    expect(nameless).toEqual([]);
    if (opened !== null) await page.keyboard.press("Escape");
    await expect(dialog).toBeHidden();
  }
  await expect(page.getByRole("main")).toBeVisible();
  await expect(list(page)).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Hello");
  await expect(page.getByRole("button", { name: "Send" })).toBeDisabled();
  await expect(page.locator("html")).toHaveAttribute("lang", "en");
});
