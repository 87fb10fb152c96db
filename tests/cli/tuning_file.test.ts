import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTunings } from "../../src/cli/tuning_file";
import type { Tuning } from "../../src/engine/tuning";
import { defaultChoices } from "../../src/kernels/policy";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gyre-tunings-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const tuning: Tuning = { choices: defaultChoices({ packedDot: true, software: true }), costs: [{ rows: 1, ms: 3 }] };

test("a file is made where there is none, and read again", async () => {
  const path = join(folder, "tunings.json");
  const store = await openTunings(path);
  expect(await store.get("a")).toBeUndefined();
  await store.put("a", tuning);
  await store.put("b", { ...tuning, costs: [] });
  const again = await openTunings(path);
  expect(await again.get("a")).toEqual(tuning);
  expect(await again.get("b")).toEqual({ ...tuning, costs: [] });
  expect(readdirSync(folder)).toEqual(["tunings.json"]);
});

test("a file that is something else is left as it is", async () => {
  const path = join(folder, "notes.txt");
  for (const text of ["not JSON", "[1, 2]", "7"]) {
    writeFileSync(path, text);
    await expect(openTunings(path)).rejects.toMatchObject({ code: "bad-request" });
    expect(readFileSync(path, "utf8")).toBe(text);
  }
});
