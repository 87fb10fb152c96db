import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withLock } from "../../tools/lib/lock.mjs";

let folder = "";
let path = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gyre-lock-"));
  path = join(folder, "lock");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("two bodies never run at once", async () => {
  const events: string[] = [];
  const body = (name: string) => async () => {
    events.push(`${name} in`);
    await sleep(20);
    events.push(`${name} out`);
  };
  await Promise.all([withLock(body("a"), path), withLock(body("b"), path)]);
  expect(events).toEqual(["a in", "a out", "b in", "b out"]);
  expect(existsSync(path)).toBe(false);
});

test("a body that throws gives the lock back", async () => {
  await expect(withLock(() => Promise.reject(new Error("no")), path)).rejects.toThrow("no");
  expect(await withLock(() => Promise.resolve(7), path)).toBe(7);
});

test("the lock of a process that is gone does not hold anybody up", async () => {
  const gone = spawnSync(process.execPath, ["-e", ""]).pid;
  writeFileSync(path, String(gone));
  expect(await withLock(() => Promise.resolve("mine"), path)).toBe("mine");
});

test("the lock of a living process does", async () => {
  writeFileSync(path, String(process.ppid));
  let entered = false;
  const waiting = withLock(async () => {
    entered = true;
  }, path);
  await sleep(250);
  expect(entered).toBe(false);
  rmSync(path);
  await waiting;
  expect(entered).toBe(true);
});
