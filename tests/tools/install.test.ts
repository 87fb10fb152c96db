import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { staleInstall } from "../../tools/lib/install.mjs";

const VITE = { version: "8.3.8", integrity: "sha512-a" };
const LOCK = {
  "": { version: "0.1.0" },
  "node_modules/vite": VITE,
  "node_modules/fsevents": { version: "2.3.3", integrity: "sha512-b", optional: true },
};

let root = "";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gyre-install-"));
  mkdirSync(join(root, "node_modules"));
  write("package-lock.json", { packages: LOCK });
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, content: unknown): void {
  writeFileSync(join(root, path), JSON.stringify(content));
}

const installed = (packages: object) => write("node_modules/.package-lock.json", { packages });

test("nothing is stale where all that this system needs is there", () => {
  installed({ "node_modules/vite": VITE });
  expect(staleInstall(root)).toBeNull();
  installed({ "node_modules/vite": VITE, "node_modules/fsevents": LOCK["node_modules/fsevents"] });
  expect(staleInstall(root)).toBeNull();
});

test("a bare clone and an installation that was cut short are stale", () => {
  expect(staleInstall(root)).toBe("nothing is installed yet");
  writeFileSync(join(root, "node_modules/.package-lock.json"), '{"packages": {"node_mod');
  expect(staleInstall(root)).toBe("nothing is installed yet");
});

test.each([
  ["missing", {}],
  ["of another version", { "node_modules/vite": { ...VITE, version: "8.3.7" } }],
  ["of other content", { "node_modules/vite": { ...VITE, integrity: "sha512-c" } }],
])("a package that is %s is named", (_, packages) => {
  installed(packages);
  expect(staleInstall(root)).toContain("node_modules/vite");
});

test("an optional package of another version is stale, though a missing one is not", () => {
  installed({ "node_modules/vite": VITE, "node_modules/fsevents": { version: "2.3.2", integrity: "sha512-x", optional: true } });
  expect(staleInstall(root)).toContain("node_modules/fsevents");
});

test("a package that the lockfile has dropped is stale", () => {
  installed({ "node_modules/vite": VITE, "node_modules/left-pad": { version: "1.3.0" } });
  expect(staleInstall(root)).toContain("node_modules/left-pad");
});

test("without a lockfile there is nothing to install from, and the message says so", () => {
  rmSync(join(root, "package-lock.json"));
  expect(() => staleInstall(root)).toThrow("package-lock.json");
});

test("the lockfile knows every package by its content, and names no host to fetch it from", () => {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    packages: Record<string, { integrity?: string; resolved?: string }>;
  };
  const others = Object.entries(packages).filter(([path]) => path !== "");
  expect(others.length).toBeGreaterThan(400);
  expect(others.filter(([, { integrity }]) => !integrity?.startsWith("sha512-")).map(([path]) => path)).toEqual([]);
  expect(others.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
});
