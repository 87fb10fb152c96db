import { expect, test } from "vitest";
import { findBrowser } from "../../tools/lib/browser.mjs";

type Machine = NonNullable<Parameters<typeof findBrowser>[0]>;

/** A made-up machine with these files on it; on Linux, `broken` ones do not start. */
function machine(
  platform: NodeJS.Platform,
  files: readonly string[],
  env: NodeJS.ProcessEnv = {},
  broken: readonly string[] = [],
): Machine {
  const separator = platform === "win32" ? "\\" : "/";
  return {
    platform,
    env,
    home: platform === "win32" ? "C:\\Users\\ada" : "/home/ada",
    exists: (path) => files.includes(path),
    list: (folder) => [
      ...new Set(
        files.filter((file) => file.startsWith(folder + separator)).map((file) => file.slice(folder.length + 1).split(separator)[0]!),
      ),
    ],
    runs: (path) => !broken.includes(path),
  };
}

test("CHROME_PATH comes before everything else", () => {
  const files = ["/opt/mine/chrome", "/usr/bin/chromium"];
  expect(findBrowser(machine("linux", files, { CHROME_PATH: "/opt/mine/chrome", PATH: "/usr/bin" }))).toBe("/opt/mine/chrome");
});

test("a CHROME_PATH that names nothing is an error, not a reason to take another browser", () => {
  expect(() => findBrowser(machine("linux", ["/usr/bin/chromium"], { CHROME_PATH: "/nowhere/chrome" }))).toThrow("/nowhere/chrome");
});

test("an empty CHROME_PATH counts as none", () => {
  expect(findBrowser(machine("linux", ["/usr/bin/chromium"], { CHROME_PATH: "" }))).toBe("/usr/bin/chromium");
});

test("Linux: names on PATH, and the usual folders where PATH lacks them", () => {
  expect(findBrowser(machine("linux", ["/home/ada/bin/google-chrome"], { PATH: "/usr/bin:/home/ada/bin" }))).toBe(
    "/home/ada/bin/google-chrome",
  );
  expect(findBrowser(machine("linux", ["/usr/bin/chromium"]))).toBe("/usr/bin/chromium");
});

test("Linux: a stub that does not run is passed over", () => {
  const files = ["/usr/bin/chromium-browser", "/usr/bin/microsoft-edge"];
  expect(findBrowser(machine("linux", files, { PATH: "/usr/bin" }, ["/usr/bin/chromium-browser"]))).toBe("/usr/bin/microsoft-edge");
});

test("macOS: applications of the machine and of the user", () => {
  const app = "Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge";
  expect(findBrowser(machine("darwin", [`/${app}`]))).toBe(`/${app}`);
  expect(findBrowser(machine("darwin", [`/home/ada/${app}`]))).toBe(`/home/ada/${app}`);
});

test("Windows: program folders, with backslashes", () => {
  const edge = "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe";
  const env = { PROGRAMFILES: "C:\\Program Files", "PROGRAMFILES(X86)": "C:\\Program Files (x86)" };
  expect(findBrowser(machine("win32", [edge], env))).toBe(edge);
});

test("Playwright's own: the newest revision, never the headless shell, and only where nothing is installed", () => {
  const cache = "/home/ada/.cache/ms-playwright";
  const own = [
    `${cache}/chromium-999/chrome-linux/chrome`,
    `${cache}/chromium-1200/chrome-linux64/chrome`,
    `${cache}/chromium_headless_shell-1300/chrome-linux/chrome`,
  ];
  expect(findBrowser(machine("linux", own))).toBe(`${cache}/chromium-1200/chrome-linux64/chrome`);
  expect(findBrowser(machine("linux", [...own, "/usr/bin/chromium"]))).toBe("/usr/bin/chromium");
});

test("Playwright's own, elsewhere", () => {
  const windows = "C:\\Users\\ada\\AppData\\Local\\ms-playwright\\chromium-1200\\chrome-win64\\chrome.exe";
  expect(findBrowser(machine("win32", [windows]))).toBe(windows);
  const mac = "/caches/pw/chromium-1200/chrome-mac-arm64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing";
  expect(findBrowser(machine("darwin", [mac], { PLAYWRIGHT_BROWSERS_PATH: "/caches/pw" }))).toBe(mac);
});

test("no browser at all is null", () => {
  for (const platform of ["linux", "darwin", "win32"] as const) expect(findBrowser(machine(platform, []))).toBeNull();
});
