// What the page says when something is missing or breaks: never a blank screen, always a way on.
import { chromium } from "@playwright/test";
import { fakeEngine } from "./fake";
import { composer, expect, modelReady, replies, say, test, watch } from "./fixtures";

test("without WebGPU the page says so, says what to do, and keeps old conversations readable", async ({ page }) => {
  await fakeEngine(page, { reply: "An old reply." });
  await page.goto("./");
  await say(page, "An old question");
  await expect(replies(page)).toContainText("first token");
  await page.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, "gpu"));
  await page.reload();
  const trouble = page.getByRole("alert", { name: "The engine is not running" });
  await expect(trouble).toContainText("does not offer WebGPU");
  await expect(trouble.getByRole("listitem").first()).toBeVisible();
  await expect(composer(page)).toBeDisabled();
  await expect(replies(page)).toContainText("An old reply.");
  await page.getByRole("link", { name: "New chat" }).click();
  await expect(trouble).toBeVisible();
  await expect(page.getByRole("list", { name: "Suggestions" })).toHaveCount(0);
});

test("without a GPU that WebGPU may use, the page says that", async ({ baseURL, launchOptions }) => {
  const args = launchOptions.args?.filter((argument) => !argument.includes("webgpu")) ?? [];
  const browser = await chromium.launch({ ...launchOptions, args: [...args, "--disable-gpu"] });
  try {
    const page = await browser.newPage();
    const found = watch(page.context(), baseURL ?? "");
    await page.goto(baseURL ?? "");
    const trouble = page.getByRole("alert", { name: "The engine is not running" });
    await expect(trouble).toBeVisible();
    await expect(trouble).toContainText("GPU");
    await expect(trouble.getByRole("listitem").first()).toBeVisible();
    await expect(page.getByRole("heading", { name: "A chat that stays with you" })).toBeVisible();
    expect(found).toEqual([]);
  } finally {
    await browser.close();
  }
});

test("a lost device ends the reply, and the engine can be restarted", async ({ page }) => {
  await fakeEngine(page, { tokenMs: 20, reply: "word ".repeat(300) });
  await page.goto("./");
  await say(page, "Go on");
  await expect(replies(page)).toContainText("word word");
  await page.evaluate(() => window.gyreFake.loseDevice());
  const trouble = page.getByRole("alert", { name: "The engine is not running" });
  await expect(trouble).toContainText("lost its connection to the GPU");
  await expect(replies(page)).toContainText("word word");
  await trouble.getByRole("button", { name: "Restart the engine" }).click();
  await modelReady(page);
  await expect(trouble).toHaveCount(0);
  await page.getByRole("button", { name: "Regenerate" }).click();
  await expect(replies(page)).toContainText("word word");
});

test("a model that cannot be downloaded is an error with a second try", async ({ page }) => {
  await fakeEngine(page, { loadErrorOnce: true });
  await page.goto("./");
  const trouble = page.getByRole("alert", { name: "The engine is not running" });
  await expect(trouble).toContainText("could not be downloaded");
  await trouble.getByText("Details").click();
  await expect(trouble).toContainText("models/gyre-demo/model.safetensors, chunk 1: 503");
  await trouble.getByRole("button", { name: "Try again" }).click();
  await modelReady(page);
});

test("where a GPU rounds a token differently beside others, Models says that nothing is speculated", async ({ page }) => {
  await fakeEngine(page, { exact: false });
  await page.goto("./");
  await page.getByRole("button", { name: "Models", exact: true }).click();
  await expect(page.getByRole("dialog").getByText("Off: this GPU rounds a token differently beside others")).toBeVisible();
});

test("a worker that breaks down is said", async ({ page }) => {
  await fakeEngine(page);
  await page.goto("./");
  await modelReady(page);
  await page.evaluate(() => window.gyreFake.breakDown());
  await expect(page.getByRole("alert", { name: "The engine is not running" })).toContainText("broke down");
});

test("without IndexedDB the page works and says that nothing is kept", async ({ page }) => {
  await fakeEngine(page);
  await page.addInitScript(() => {
    IDBFactory.prototype.open = () => {
      throw new DOMException("forbidden here", "SecurityError");
    };
  });
  await page.goto("./");
  await expect(page.getByRole("alert")).toContainText("could not save or read your conversations");
  await say(page, "Hello");
  await expect(replies(page)).toContainText("I am a fox");
});
