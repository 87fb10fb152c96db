// What every end-to-end test watches beside its own affair: no request leaves the app's origin, nothing breaks the
// Content-Security-Policy, and no script fails.
import { type BrowserContext, test as base, expect, type Page } from "@playwright/test";

export { expect } from "@playwright/test";

export const test = base.extend<{ watched: undefined }>({
  watched: [
    async ({ context, baseURL }, use) => {
      const found = watch(context, baseURL ?? "");
      await patient(context);
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

/**
 * What pages of this context show for some seconds only, from "Copied" (1.5 s) to "Deleted. Undo" (8 s), stays a while: a person looks at once,
 * and a test may have to wait for a core. All other timers are as in the app.
 */
export function patient(context: BrowserContext): Promise<unknown> {
  return context.addInitScript(() => {
    const { setTimeout } = window;
    const slower = (run: TimerHandler, ms = 0, ...args: unknown[]) => setTimeout(run, ms >= 1500 && ms <= 8000 ? 30 * ms : ms, ...args);
    Object.assign(window, { setTimeout: slower });
  });
}

export const LOADING = 150_000; // ms: compiling shaders for the software adapter takes long where cores are shared

export const composer = (page: Page) => page.getByRole("textbox", { name: "Message", exact: true });
export const replies = (page: Page) => page.getByRole("article", { name: "Assistant" });
export const questions = (page: Page) => page.getByRole("article", { name: "You" });
export const modelReady = (page: Page) =>
  expect(page.getByRole("button", { name: /^Model: .*\. Ready$/ })).toBeVisible({ timeout: LOADING });

/** Reloads once what the page has written so far is kept: what is on its way to the database is lost, as where a tab is closed just then. */
export async function reload(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const ended = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error ?? new Error("IndexedDB"));
      });
    const db = await ended(indexedDB.open("gyre-chats"));
    await ended(
      db
        .transaction([...db.objectStoreNames])
        .objectStore("settings")
        .count(),
    ); // behind all that was asked for before
    db.close();
  });
  await page.reload();
}

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
