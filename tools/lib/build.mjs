// @ts-check
// Builds the app and the command line where their sources have changed since the last build.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { withLock } from "./lock.mjs";
import { bin, Failure, ROOT, runNode } from "./project.mjs";

/** @typedef {"app" | "cli"} Target */

const SHARED_INPUTS = ["package-lock.json", "src", "shaders"];
/** @type {Record<Target, { inputs: readonly string[], output: string, args: readonly string[] }>} */
const TARGETS = {
  app: {
    inputs: [...SHARED_INPUTS, "index.html", "vite.config.ts", join("tools", "lib", "licenses.mjs"), "public"],
    output: join("dist", "index.html"),
    args: ["build"],
  },
  cli: {
    inputs: [...SHARED_INPUTS, "vite.cli.config.ts"],
    output: join("dist-cli", "gyre.js"),
    args: ["build", "--config", "vite.cli.config.ts"],
  },
};

/**
 * A digest of the names, sizes and times of all files under `paths`. Unlike the newest time, it also changes when a file goes or an old one comes back.
 * @param {string} root
 * @param {readonly string[]} paths files and folders, relative to `root`; those that are not there count as empty
 */
export function fingerprint(root, paths) {
  const hash = createHash("sha256");
  for (const path of paths) {
    const stat = statSync(join(root, path), { throwIfNoEntry: false });
    if (stat === undefined) continue;
    const files = stat.isDirectory() ? filesBelow(root, path) : [path];
    for (const file of files) {
      const { size, mtimeMs } = statSync(join(root, file));
      hash.update(`${file}\0${size}\0${mtimeMs}\n`);
    }
  }
  return hash.digest("hex");
}

/**
 * @param {string} root
 * @param {string} folder
 */
function filesBelow(root, folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .toSorted();
}

// The stamp lies in node_modules so that a new installation, which may bring other versions of the bundler, also means a new build.
/** @param {Target} target */
const stampPath = (target) => join(ROOT, "node_modules", ".cache", "gyre", `build-${target}`);

/** @param {Target} target */
function isBuilt(target) {
  const { inputs, output } = TARGETS[target];
  const stamp = stampPath(target);
  return existsSync(join(ROOT, output)) && existsSync(stamp) && readFileSync(stamp, "utf8") === fingerprint(ROOT, inputs);
}

/**
 * Builds, and says whether that worked.
 * @param {Target} target
 * @param {"stdout" | "stderr"} [output] where the bundler's messages go
 */
export function build(target, output = "stdout") {
  return withLock(() => buildLocked(target, output));
}

/**
 * @param {Target} target
 * @param {"stdout" | "stderr"} output
 */
async function buildLocked(target, output) {
  const { inputs, args } = TARGETS[target];
  const stamp = stampPath(target);
  rmSync(stamp, { force: true });
  const before = fingerprint(ROOT, inputs); // a file saved during the build makes the build stale
  const level = output === "stdout" ? "info" : "warn";
  const { code } = await runNode(bin("vite"), [...args, "--logLevel", level], { output, timeoutMs: 300_000 });
  if (code !== 0) return false;
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, before);
  return true;
}

/**
 * Builds where that is needed. Throws Failure where it does not work.
 * @param {Target} target
 * @param {"stdout" | "stderr"} [output]
 */
export async function ensureBuilt(target, output = "stdout") {
  if (isBuilt(target)) return;
  const built = await withLock(async () => isBuilt(target) || (await buildLocked(target, output)));
  if (!built) throw new Failure(`The ${target === "app" ? "app" : "command line"} could not be built. The reason stands above.`);
}
