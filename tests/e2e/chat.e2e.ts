// The main job with the shipped model and the real engine: a visitor types and is answered, online and offline.
import { gzipSync } from "node:zlib";
import type { Page } from "@playwright/test";
import { expect, finishedReply, LOADING, modelReady, questions, replies, say, shortReplies, test } from "./fixtures";

// One page for what needs no page of its own: on the software adapter each load of the model takes longer than all else together.
test("first visit to first reply, stopping, and equal seeds", async ({ page, context }) => {
  const scripts: Promise<number>[] = []; // gzipped bytes of what the page and its worker fetch before there is a reply to be shown
  context.on("response", (response) => {
    if (response.request().serviceWorker() !== null || !response.url().endsWith(".js") || response.url().includes("reply_parts")) return;
    scripts.push(response.body().then((body) => gzipSync(body, { level: 9 }).length));
  });
  await page.goto("./");
  await test.step("a first message is answered", async () => {
    await expect(page.getByRole("heading", { name: "A chat that stays with you" })).toBeVisible();
    await say(page, "Hello"); // at once: the message waits for the model
    await expect(questions(page)).toHaveText("Hello");
    await expect(replies(page).getByText("Waiting for the model")).toHaveCount(0, { timeout: LOADING });
    const script = (await Promise.all(scripts)).reduce((sum, bytes) => sum + bytes, 0);
    expect(script).toBeGreaterThan(120_000); // the worker's is among it
    expect(script).toBeLessThanOrEqual(168_000); // what tests/app/bundle.test.ts allows until the first reply, and 2,000 for what registers the service worker
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
    for (const by of ["button", "Esc"] as const) {
      await say(page, "Tell me a story about a fox");
      const words = await stopAtFirstWords(page, by);
      await expect(replies(page).last()).toHaveAttribute("aria-busy", "false");
      await expect(replies(page).last().getByText("Stopped")).toBeVisible();
      await expect(replies(page).last()).toContainText(words);
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
  await expect(page.getByText("Ready to work offline.")).toBeVisible();
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
  await page.evaluate(spoilWeights);
  await page.close();

  await test.step("a stored model that is damaged is named while offline, and mended as soon as that is possible", async () => {
    const fresh = await context.newPage();
    await fresh.goto("./");
    const trouble = fresh.getByRole("alert", { name: "The engine is not running" });
    await expect(trouble).toContainText("model.safetensors is damaged: chunk 0 fails its checksum", { timeout: LOADING });
    await trouble.getByText("Details").click();
    await expect(trouble).toContainText("It could not be downloaded anew.");
    await context.setOffline(false);
    await trouble.getByRole("button", { name: "Try again" }).click();
    await modelReady(fresh);
  });
});

/**
 * Stops the newest reply as soon as it has some words, and returns them. The page looks and stops for itself, in one frame: a whole reply may take
 * less than the way between a test and its page.
 */
function stopAtFirstWords(page: Page, by: "button" | "Esc"): Promise<string> {
  return page.evaluate(
    (way) =>
      new Promise<string>((resolve) => {
        const look = () => {
          const newest = [...document.querySelectorAll("article[aria-label='Assistant']")].at(-1);
          const text = /^(?!Waiting|Reading|Writing)\S+ \S+/.exec(newest?.querySelector("p")?.textContent ?? "");
          if (text === null) return void requestAnimationFrame(look);
          if (way === "button") document.querySelector<HTMLButtonElement>("button[aria-label='Stop']")?.click();
          else document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true, cancelable: true }));
          resolve(text[0]);
        };
        look();
      }),
    by,
  );
}

/** In the page: changes one byte of the stored weights, as a failing disk would. */
async function spoilWeights(): Promise<void> {
  const ended = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error ?? new Error("IndexedDB"));
    });
  const db = await ended(indexedDB.open("gyre-weights"));
  const chunks = (mode: IDBTransactionMode) => db.transaction("chunks", mode).objectStore("chunks");
  const key = (await ended(chunks("readonly").getAllKeys())).find((one) => Array.isArray(one) && one[2] === "model.safetensors");
  if (key === undefined) throw new Error("There are no weights.");
  const bytes = new Uint8Array(await ((await ended(chunks("readonly").get(key))) as Blob).arrayBuffer());
  bytes[1_000_000] = (bytes[1_000_000] ?? 0) ^ 1;
  await ended(chunks("readwrite").put(new Blob([bytes]), key));
  db.close();
}
