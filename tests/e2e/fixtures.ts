// What every end-to-end test watches beside its own affair: no request leaves the app's origin, nothing breaks the
// Content-Security-Policy, and no script fails.
import { type BrowserContext, test as base, expect, type Page } from "@playwright/test";

export { expect } from "@playwright/test";

export const test = base.extend<{ watched: undefined }>({
  watched: [
    async ({ context, baseURL }, use) => {
      const found = watch(context, baseURL ?? "");
      await use(undefined);
      expect(found).toEqual([]);
    },
    { auto: true },
  ],
});

/** Collects, from now on, what must not happen in any page of this context. */
export function watch(context: BrowserContext, baseURL: string): string[] {
  const found: string[] = [];
  const { origin } = new URL(baseURL);
  context.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !url.startsWith("data:") && !url.startsWith("blob:")) found.push(`request to ${url}`);
  });
  context.on("weberror", (error) => found.push(`error: ${error.error().message}`));
  context.on("console", (message) => {
    if (message.type() === "error" && /Content Security Policy|Uncaught/.test(message.text())) found.push(message.text());
  });
  return found;
}

export const LOADING = 150_000; // ms: compiling shaders for the software adapter takes long where cores are shared

export const composer = (page: Page) => page.getByRole("textbox", { name: "Message", exact: true });
export const replies = (page: Page) => page.getByRole("article", { name: "Assistant" });
export const questions = (page: Page) => page.getByRole("article", { name: "You" });
export const modelReady = (page: Page) =>
  expect(page.getByRole("button", { name: /^Model: .*\. Ready$/ })).toBeVisible({ timeout: LOADING });

/** Types a message, sends it with Enter, and waits for its reply to begin. */
export async function say(page: Page, text: string): Promise<void> {
  const before = await replies(page).count();
  await composer(page).fill(text);
  await composer(page).press("Enter");
  await expect(replies(page)).toHaveCount(before + 1);
}

/** Limits replies, where a test is not about their length and a slow machine should not write long ones. */
export async function shortReplies(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByLabel("Longest reply").fill("24");
  await page.keyboard.press("Escape");
}

/** Waits until the newest reply is finished, and returns its text. */
export async function finishedReply(page: Page): Promise<string> {
  const last = replies(page).last();
  await expect(last).toHaveAttribute("aria-busy", "false", { timeout: LOADING });
  await expect(last.getByText(/first token/)).toBeVisible({ timeout: LOADING });
  return (await last.textContent()) ?? "";
}

/** Whether the page is wider than its window, the thing that must never be on a phone. */
export const scrollsSideways = (page: Page) =>
  page.evaluate(
    () => document.documentElement.scrollWidth > document.documentElement.clientWidth || document.body.scrollWidth > innerWidth,
  );
