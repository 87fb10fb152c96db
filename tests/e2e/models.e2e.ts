// Opening model folders with the real engine: sound ones, and the ways in which they can be damaged.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expect, LOADING, modelReady, reload, test } from "./fixtures";

const PACKAGE = "public/models/gyre-demo";

async function copyOfPackage(change: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(await mkdtemp(join(tmpdir(), "gyre-model-")), "my-model");
  await cp(PACKAGE, folder, { recursive: true });
  await change(folder);
  return folder;
}

async function modelsDialog(page: Page) {
  await page.getByRole("button", { name: "Models", exact: true }).click();
  return page.getByRole("dialog", { name: "Models" });
}

const damages: readonly (readonly [string, (folder: string) => Promise<void>, readonly string[]])[] = [
  ["config.json is not there", (folder) => rm(join(folder, "config.json")), ["config.json", "missing"]],
  ["config.json is not JSON", (folder) => writeFile(join(folder, "config.json"), "{"), ["config.json", "not JSON"]],
  [
    "the weights are cut short",
    async (folder) => {
      const path = join(folder, "model.safetensors");
      await writeFile(path, (await readFile(path)).subarray(0, 100_000));
    },
    ["model.safetensors", "damaged"],
  ],
  [
    "one byte of the weights is wrong",
    async (folder) => {
      const path = join(folder, "model.safetensors");
      const bytes = await readFile(path);
      bytes[bytes.length - 1000] = (bytes[bytes.length - 1000] ?? 0) ^ 1;
      await writeFile(path, bytes);
    },
    ["model.safetensors", "its part 2 is not"], // other words than the alert before, which may still be there
  ],
  ["the tokenizer is not there", (folder) => rm(join(folder, "tokenizer.json")), ["tokenizer.json", "missing"]],
];

test("damaged folders are refused with the file and the reason; sound ones are taken in, loaded, remembered, and removed", async ({
  page,
}) => {
  await page.goto("./");
  await modelReady(page);
  const dialog = await modelsDialog(page);
  for (const [what, change, words] of damages) {
    await test.step(what, async () => {
      const folder = await copyOfPackage(change);
      await dialog.getByLabel("Model folder").setInputFiles(folder);
      const alert = dialog.getByRole("alert");
      for (const word of words) await expect(alert).toContainText(word);
      await expect(dialog.getByRole("listitem")).toHaveCount(1); // nothing is left of it
      await expect(dialog.getByText("Loaded", { exact: true })).toBeVisible();
      await rm(join(folder, ".."), { recursive: true });
    });
  }

  const folder = await copyOfPackage(async () => {});
  await dialog.getByLabel("Model folder").setInputFiles(folder);
  await expect(dialog.getByRole("listitem")).toHaveCount(2);
  const mine = dialog.getByRole("listitem").last();
  await expect(mine.getByText("Loaded", { exact: true })).toBeVisible({ timeout: LOADING });
  await reload(page);
  await modelReady(page);
  await modelsDialog(page);
  await expect(mine.getByText("Loaded", { exact: true })).toBeVisible();
  await mine.getByRole("button", { name: "Remove" }).click();
  await mine.getByRole("button", { name: "Remove it from this device?" }).click();
  await expect(dialog.getByRole("listitem")).toHaveCount(1);
  await expect(dialog.getByText("Loaded", { exact: true })).toBeVisible({ timeout: LOADING });
  await rm(join(folder, ".."), { recursive: true });

  await test.step("as it comes from a hub, in INT4", async () => {
    await dialog.getByLabel(/^INT4/).check();
    await dialog.getByLabel("Model folder").setInputFiles("tests/golden/fixtures/stories260k");
    await expect(mine.getByText(/llama · .* · INT4/)).toBeVisible({ timeout: LOADING });
    await expect(mine.getByText("Loaded", { exact: true })).toBeVisible({ timeout: LOADING });
  });
});
