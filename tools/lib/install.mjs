// @ts-check
// Installs the project's packages where they are missing or are not those of the lockfile.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.mjs";
import { Failure, ROOT, run, runNode } from "./project.mjs";

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean }} LockedPackage */
/** @typedef {Record<string, LockedPackage>} LockedPackages by path, such as "node_modules/vite" */

/**
 * Why what is installed is not what the lockfile asks for, or null where it is. npm writes down what it installed in
 * node_modules/.package-lock.json as its last step, so that an installation cut short has no such file.
 * @param {string} root
 * @returns {string | null}
 */
export function staleInstall(root) {
  const wanted = packages(join(root, "package-lock.json"));
  if (wanted === null) throw new Failure("package-lock.json is missing or damaged. Restore it from the repository.");
  const installed = packages(join(root, "node_modules", ".package-lock.json"));
  if (installed === null) return "nothing is installed yet";
  for (const [path, want] of Object.entries(wanted)) {
    if (path === "") continue; // the project itself
    const have = installed[path];
    // Packages for other systems are left out by npm, and a lockfile does not say which of them this system needs.
    if (have === undefined && (want.optional === true || want.devOptional === true)) continue;
    if (have === undefined) return `${path} is missing`;
    if (have.version !== want.version || have.integrity !== want.integrity) return `${path} has another version`;
  }
  const extra = Object.keys(installed).find((path) => !(path in wanted));
  return extra === undefined ? null : `${extra} is not in the lockfile`;
}

/**
 * @param {string} path
 * @returns {LockedPackages | null}
 */
function packages(path) {
  try {
    /** @type {{ packages?: LockedPackages }} */
    const lock = JSON.parse(readFileSync(path, "utf8"));
    return lock.packages ?? null;
  } catch {
    return null;
  }
}

/**
 * Installs what is missing or stale, from the lockfile.
 * @param {"stdout" | "stderr"} [output]
 */
export async function ensureInstalled(output = "stdout") {
  if (staleInstall(ROOT) === null) return;
  await withLock(async () => {
    const reason = staleInstall(ROOT);
    if (reason === null) return; // another process has just done it
    const say = output === "stdout" ? console.log : console.error;
    say(`Installing packages (${reason})...`);
    // All that npm may have been told by its caller is said again: NODE_ENV=production leaves out the build tools, and --silent hides errors.
    const args = ["ci", "--no-audit", "--no-fund", "--include=dev", "--include=optional", "--loglevel=error"];
    const npm = process.env["npm_execpath"];
    const { code } =
      npm?.endsWith("npm-cli.js") === true
        ? await runNode(npm, args, { output })
        : process.platform === "win32"
          ? await run("cmd.exe", ["/d", "/s", "/c", "npm", ...args], { output })
          : await run("npm", args, { output });
    if (code !== 0) throw new Failure("The packages could not be installed. Is the network there? npm's message stands above.");
  });
}
