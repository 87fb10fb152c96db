// @ts-check
// Finds a Chromium for the tests, or installs one where that needs no questions.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { posix, win32 } from "node:path";
import { Failure, run } from "./project.mjs";

/**
 * What finding a browser needs to know of the machine.
 * @typedef {object} Machine
 * @property {NodeJS.Platform} platform
 * @property {NodeJS.ProcessEnv} env
 * @property {string} home
 * @property {(path: string) => boolean} exists
 * @property {(path: string) => string[]} list names in a folder, none where it is not there
 * @property {(path: string) => boolean} runs whether the program starts and says that it is a Chromium
 */

/** @type {Machine} */
const thisMachine = {
  platform: process.platform,
  env: process.env,
  home: homedir(),
  exists: existsSync,
  list: (path) => (existsSync(path) ? readdirSync(path) : []),
  runs(path) {
    const { status, stdout } = spawnSync(path, ["--version"], { encoding: "utf8", timeout: 20_000, stdio: ["ignore", "pipe", "ignore"] });
    return status === 0 && /chrom|edge/i.test(stdout);
  },
};

const LINUX_NAMES = ["google-chrome-stable", "google-chrome", "chromium", "chromium-browser", "microsoft-edge-stable", "microsoft-edge"];
const MAC_APPS = ["Google Chrome", "Chromium", "Microsoft Edge", "Google Chrome for Testing"];
const WINDOWS_PATHS = [
  "Google\\Chrome\\Application\\chrome.exe",
  "Chromium\\Application\\chrome.exe",
  "Microsoft\\Edge\\Application\\msedge.exe",
];
// Playwright's folders have changed names over the years; the headless shell is left out because it has no WebGPU.
const PLAYWRIGHT_PATHS = {
  linux: ["chrome-linux64/chrome", "chrome-linux/chrome"],
  darwin: ["chrome-mac-arm64", "chrome-mac-x64", "chrome-mac"].flatMap((folder) =>
    ["Google Chrome for Testing", "Chromium"].map((name) => `${folder}/${name}.app/Contents/MacOS/${name}`),
  ),
  win32: ["chrome-win64\\chrome.exe", "chrome-win\\chrome.exe"],
};

/**
 * The program file of a Chromium, or null where there is none. CHROME_PATH comes first, then an installed Chrome, Chromium or Edge,
 * then the newest in Playwright's own folder. Throws Failure if CHROME_PATH names no browser.
 * @param {Machine} [machine]
 * @returns {string | null}
 */
export function findBrowser(machine = thisMachine) {
  const { env, exists, platform, runs } = machine;
  const named = env["CHROME_PATH"];
  if (named !== undefined && named !== "") {
    if (!exists(named)) throw new Failure(`CHROME_PATH names ${named}, and there is no such file.`);
    return named;
  }
  for (const path of [...installedPaths(machine), ...playwrightPaths(machine)]) {
    if (!exists(path)) continue;
    // Ubuntu has a chromium-browser that only says how to install one. Elsewhere --version would open a window.
    if (platform === "linux" && !runs(path)) continue;
    return path;
  }
  return null;
}

/** @param {Machine} machine */
function installedPaths({ env, home, platform }) {
  switch (platform) {
    case "darwin":
      return ["/Applications", posix.join(home, "Applications")].flatMap((folder) =>
        MAC_APPS.map((name) => posix.join(folder, `${name}.app`, "Contents/MacOS", name)),
      );
    case "win32":
      return ["PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"].flatMap((name) =>
        env[name] === undefined ? [] : WINDOWS_PATHS.map((path) => win32.join(env[name] ?? "", path)),
      );
    default: {
      const folders = [...(env["PATH"] ?? "").split(":").filter((folder) => folder !== ""), "/usr/bin", "/usr/local/bin", "/snap/bin"];
      return LINUX_NAMES.flatMap((name) => folders.map((folder) => posix.join(folder, name)));
    }
  }
}

/** @param {Machine} machine */
function playwrightPaths({ env, home, platform, list }) {
  const paths = platform === "win32" ? win32 : posix;
  const standard = {
    linux: paths.join(home, ".cache", "ms-playwright"),
    darwin: paths.join(home, "Library", "Caches", "ms-playwright"),
    win32: paths.join(env["LOCALAPPDATA"] ?? paths.join(home, "AppData", "Local"), "ms-playwright"),
  };
  const system = platform === "darwin" || platform === "win32" ? platform : "linux";
  const cache = env["PLAYWRIGHT_BROWSERS_PATH"] ?? standard[system];
  return list(cache)
    .flatMap((name) => {
      const revision = /^chromium-(\d+)$/.exec(name)?.[1];
      return revision === undefined ? [] : [{ name, revision: Number(revision) }];
    })
    .toSorted((a, b) => b.revision - a.revision)
    .flatMap(({ name }) => PLAYWRIGHT_PATHS[system].map((path) => paths.join(cache, name, path)));
}

const WHAT_TO_INSTALL = `No Chromium was found for the tests. Install one of these and run the command again:
  - Google Chrome or Microsoft Edge, from their makers' sites
  - Chromium: "apt-get install chromium" on Debian, "dnf install chromium" on Fedora, "brew install --cask chromium" on macOS
  - Playwright's own: "npx playwright install --with-deps chromium"
or set CHROME_PATH to a Chromium's program file.`;

/**
 * A Chromium's program file, installed with apt-get on Debian where the user is root. Throws Failure, naming what to install, if none can be had.
 * @returns {Promise<string>}
 */
export async function needBrowser() {
  const found = findBrowser();
  if (found !== null) return found;
  if (isDebianRoot()) {
    console.log("No Chromium is installed. Installing Debian's...");
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const update = await run("apt-get", ["update", "-q"], { env, timeoutMs: 300_000 });
    if (update.code === 0)
      await run("apt-get", ["install", "-y", "-q", "--no-install-recommends", "chromium"], { env, timeoutMs: 600_000 });
    const installed = findBrowser();
    if (installed !== null) return installed;
  }
  throw new Failure(WHAT_TO_INSTALL);
}

// Only Debian itself: Ubuntu's package of that name is a stub for a snap.
function isDebianRoot() {
  if (process.platform !== "linux" || process.getuid?.() !== 0 || !existsSync("/etc/os-release")) return false;
  return /^ID=debian$/m.test(readFileSync("/etc/os-release", "utf8"));
}
