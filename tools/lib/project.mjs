// @ts-check
// Where the project lies, and how its tools are started. Node's built-ins only: this runs before anything is installed.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/[\\/]$/, "");

/** Ends the process with a plain sentence where Node is older than the project needs. */
export function requireNode(version = process.versions.node, minimum = "20.19") {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = minimum.split(".").map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  throw new Failure(`Gyre needs Node ${minimum} or newer, and this is Node ${version}. Install a newer one from nodejs.org and try again.`);
}

/** An error whose message is all that the user needs to see. */
export class Failure extends Error {}

/**
 * Runs a script's body; a Failure becomes one line on stderr and exit code 1.
 * @param {() => Promise<number | void>} body its result is the exit code
 */
export async function main(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

/**
 * The script behind a package's command. It is started with Node itself, because `npx` and `.bin` differ between systems.
 * @param {string} packageName
 * @param {string} [command] the package's own name if left out
 */
export function bin(packageName, command = packageName) {
  const folder = join(ROOT, "node_modules", packageName);
  /** @type {{ bin: string | Record<string, string> }} */
  const { bin: bins } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const path = typeof bins === "string" ? bins : bins[command];
  if (path === undefined) throw new Failure(`The package ${packageName} has no command ${command}.`);
  return join(folder, path);
}

/**
 * Runs a command to its end, without stdin.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, output?: "stdout" | "stderr", timeoutMs?: number }} [options] `output`: where both of its streams go
 * @returns {Promise<{ code: number, timedOut: boolean }>} code 1 where a signal ended it, 127 where it could not be started
 */
export function run(command, args, { env = process.env, output = "stdout", timeoutMs = 0 } = {}) {
  const windows = process.platform === "win32";
  // Its own process group, so that at a timeout the browsers and servers that it started end with it.
  const child = spawn(command, args, { cwd: ROOT, env, detached: !windows, stdio: ["ignore", output === "stdout" ? 1 : 2, 2] });
  const kill = () => {
    if (child.pid === undefined) return;
    if (windows) spawn("taskkill", ["/pid", String(child.pid), "/T", "/F"], { stdio: "ignore" });
    else
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // The group is gone already.
      }
  };
  return new Promise((resolve) => {
    let timedOut = false;
    const timer =
      timeoutMs > 0
        ? setTimeout(() => {
            timedOut = true;
            kill();
          }, timeoutMs)
        : undefined;
    // A group of its own also means that the terminal's Ctrl+C does not reach the child by itself.
    const interrupt = () => {
      kill();
      process.exit(130);
    };
    process.on("SIGINT", interrupt);
    process.on("SIGTERM", interrupt);
    /** @param {number} code */
    const finish = (code) => {
      clearTimeout(timer);
      process.off("SIGINT", interrupt);
      process.off("SIGTERM", interrupt);
      resolve({ code, timedOut });
    };
    child.on("error", (error) => {
      console.error(`${command}: ${error.message}`);
      finish(127);
    });
    child.on("close", (code) => finish(code ?? 1));
  });
}

/**
 * As `run`, for the command of an installed package.
 * @param {string} script what `bin` gave
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export function runNode(script, args, options) {
  return run(process.execPath, [script, ...args], options);
}
