// Puts the stand-in engine into a page that is about to open.
import type { Page } from "@playwright/test";
import { build } from "vite";
import type { FakeControl } from "./fake_engine";

let script: Promise<string> | undefined;

async function bundle(): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: "error",
    publicDir: false,
    build: { write: false, minify: false, lib: { entry: "tests/e2e/fake_engine.ts", formats: ["iife"], name: "gyreFakeEngine" } },
  });
  const output = Array.isArray(result) ? result[0] : result;
  if (output === undefined || !("output" in output)) throw new Error("The stand-in engine was not built.");
  return output.output[0].code;
}

/** Before `page.goto`: workers that the page starts behave as the options say. */
export async function fakeEngine(page: Page, options: FakeControl["options"] = {}): Promise<void> {
  script ??= bundle();
  await page.addInitScript(`window.gyreFake = { options: ${JSON.stringify(options)} };\n${await script}`);
}
