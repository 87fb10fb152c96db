// Hosting, going offline and updating, in any folder of a site.
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test as base } from "@playwright/test";
import { fakeEngine } from "./fake";
import { composer, expect, finishedReply, patient, replies, say, watch } from "./fixtures";
import { host } from "./host";

const PREFIX = "/some/folder/";

base("the app works under a folder, offline, and offers an update only when one waits", async ({ page, context }) => {
  const site = await host(PREFIX);
  const found = watch(context, site.url);
  try {
    await patient(context);
    await fakeEngine(page);
    await page.goto(site.url);
    await say(page, "Hello");
    await finishedReply(page);
    await expect(page.getByText("Ready to work offline.")).toBeVisible();
    await context.setOffline(true);
    await page.reload();
    await expect(replies(page)).toContainText("I am a fox");
    await context.setOffline(false);

    // A new version: the page's script has another name, as after any change, and the old one is gone from the server.
    const index = await readFile(join(site.folder, "index.html"), "utf8");
    const script = /assets\/(index-[\w-]+)\.js/.exec(index)?.[1] ?? "";
    const renamed = "index-NEWER";
    await rename(join(site.folder, `assets/${script}.js`), join(site.folder, `assets/${renamed}.js`));
    await writeFile(join(site.folder, "index.html"), index.replace(script, renamed).replace("<title>", '<meta name="newer" /><title>'));
    const worker = await readFile(join(site.folder, "sw.js"), "utf8");
    const changed = worker
      .replaceAll(`assets/${script}.js`, `assets/${renamed}.js`)
      .replace(/"revision":"\w+","url":"index\.html"/, '"revision":"newer","url":"index.html"');
    expect(changed).toContain('"newer"');
    await writeFile(join(site.folder, "sw.js"), changed);

    await page.reload(); // Still the old version, which finds the new one.
    await expect(page.getByText("A new version is ready.")).toBeVisible();
    await expect(page.locator('meta[name="newer"]')).toHaveCount(0);
    await composer(page).fill("unsent");
    await page.getByRole("button", { name: "Reload" }).click();
    await expect(page.locator('meta[name="newer"]')).toHaveCount(1);
    await expect(replies(page)).toContainText("I am a fox");
    await expect(composer(page)).toHaveValue("unsent");
    await expect(page.getByText("A new version is ready.")).toHaveCount(0);
    expect(found).toEqual([]);
  } finally {
    await site.close();
  }
});
