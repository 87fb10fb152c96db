import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fingerprint } from "../../tools/lib/build.mjs";

const INPUTS = ["src", "index.html", "public"];
const TIME = new Date("2026-01-01");

let root = "";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gyre-build-"));
  mkdirSync(join(root, "src", "deep"), { recursive: true });
  write("index.html", "<p>");
  write("src/a.ts", "1");
  write("src/deep/b.ts", "2");
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, content: string, time = TIME): void {
  writeFileSync(join(root, path), content);
  utimesSync(join(root, path), time, time);
}

test("it stays the same while nothing changes, and files elsewhere do not count", () => {
  const before = fingerprint(root, INPUTS);
  write("notes.txt", "hello");
  expect(fingerprint(root, INPUTS)).toBe(before);
});

test.each([
  ["a file is saved again", () => write("src/deep/b.ts", "2", new Date("2026-02-02"))],
  ["an older version comes back", () => write("src/a.ts", "1", new Date("2025-01-01"))],
  ["the size changes within the clock's step", () => write("index.html", "<p>!")],
  ["a file is added", () => write("src/c.ts", "3")],
  ["a file goes", () => rmSync(join(root, "src/a.ts"))],
  [
    "a folder that was not there comes",
    () => {
      mkdirSync(join(root, "public"));
      write("public/icon.svg", "<svg>");
    },
  ],
])("it changes when %s", (_, change) => {
  const before = fingerprint(root, INPUTS);
  change();
  expect(fingerprint(root, INPUTS)).not.toBe(before);
});
