// @ts-check
// Lets one process at a time install or build in this checkout: two commands started side by side would otherwise delete each other's files.
import { createHash } from "node:crypto";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "./project.mjs";

const POLL_MS = 100;
const UNREADABLE_MS = 10_000; // a lock file without a process id in it is being written, unless it is older than this

/**
 * Runs `body` while holding the checkout's lock. The lock lies outside node_modules, which an installation empties.
 * @template T
 * @param {() => Promise<T>} body
 * @param {string} [path]
 * @returns {Promise<T>}
 */
export async function withLock(body, path = join(tmpdir(), `gyre-${createHash("sha256").update(ROOT).digest("hex").slice(0, 12)}.lock`)) {
  while (!take(path)) {
    if (abandoned(path)) rmSync(path, { force: true });
    else await sleep(POLL_MS);
  }
  const release = () => rmSync(path, { force: true });
  process.on("exit", release); // also where process.exit() ends the body early
  try {
    return await body();
  } finally {
    process.off("exit", release);
    release();
  }
}

/** @param {string} path */
function take(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (code(error) === "EEXIST") return false;
    throw error;
  }
}

/** @param {string} path */
function abandoned(path) {
  try {
    const holder = Number(readFileSync(path, "utf8"));
    if (!(holder > 0)) return Date.now() - statSync(path).mtimeMs > UNREADABLE_MS;
    process.kill(holder, 0);
    return false;
  } catch (error) {
    return code(error) === "ESRCH"; // no such process; anything else (a file just removed, a foreign user's process) is worth another look
  }
}

/** @param {unknown} error */
function code(error) {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
