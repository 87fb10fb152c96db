// What a visitor downloads, as built into dist/: small enough, and with no way to any other origin.
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { beforeAll, expect, test } from "vitest";

const DIST = new URL("../../dist/", import.meta.url);
const FIRST_LOAD = 150_000; // bytes, gzipped: all script that must arrive before the page can be used and the worker begins to fetch the model
const FIRST_REPLY = 166_000; // with what the worker fetches beside the model: React alone is 63,000 of it, tokenizers 12,000, choosing and testing kernels 9,000
const RARELY_NEEDED = /\/(import_folder|jinja_template)-/; // of what the worker fetches later: for models that the visitor brings

/** Addresses that stand in the output without ever being fetched. */
const HARMLESS: readonly (readonly [RegExp, string])[] = [
  [/^http:\/\/www\.w3\.org\//, "names of XML namespaces, in React and the icon"],
  [/^https:\/\/react\.dev\/errors\//, "React's error messages name a page that explains them"],
  [/^https:\/\/bit\.ly\/wb-precache$/, "so does workbox"],
  [/^https:\/\/github\.com\/markedjs\/marked\.?$/, "marked's copyright notice"],
];

const text = (path: string) => readFile(new URL(path, DIST), "utf8");
let files: string[] = [];

beforeAll(async () => {
  const entries = await readdir(DIST, { recursive: true, withFileTypes: true });
  files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(fileURLToPath(DIST), join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .filter((path) => !path.startsWith("models/"));
  expect(files).toContain("index.html");
});

const STATIC = /\b(?:from|import)\s*["'`]\.\/([\w.-]+\.js)["'`]/g;
const DYNAMIC = /\bimport\(\s*["'`]\.\/([\w.-]+\.js)["'`]/g;

/** A script and all that it imports before it can run; with DYNAMIC among the patterns, also what it fetches later. */
async function withImports(path: string, patterns: readonly RegExp[], seen: Set<string>): Promise<void> {
  if (seen.has(path)) return;
  seen.add(path);
  const code = await text(path);
  for (const [, name] of patterns.flatMap((pattern) => [...code.matchAll(pattern)])) {
    if (!RARELY_NEEDED.test(`/${name}`)) await withImports(`assets/${name}`, patterns, seen);
  }
}

test.each([
  ["of the first load, page and worker together,", [STATIC], FIRST_LOAD],
  ["until the first reply", [STATIC, DYNAMIC], FIRST_REPLY],
])("the script %s is within its budget", async (_, followed, budget) => {
  const html = await text("index.html");
  const scripts = new Set<string>();
  const named = [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.js)"/g)].map(([, path]) => path ?? "");
  const workers = files.filter((path) => /^assets\/engine\.worker-.*\.js$/.test(path));
  expect(named.length).toBeGreaterThan(0);
  expect(workers).toHaveLength(1);
  for (const path of named) await withImports(path, [STATIC], scripts);
  for (const path of workers) await withImports(path, followed, scripts);
  const sizes = await Promise.all(
    [...scripts].map(async (path) => [path, gzipSync(await readFile(new URL(path, DIST)), { level: 9 }).length] as const),
  );
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  expect(total, sizes.map(([path, size]) => `${path}: ${size}`).join("\n")).toBeLessThanOrEqual(budget);
  expect(total).toBeGreaterThan(budget * 0.8); // less would mean that the count has missed something
});

test("no address of another origin is in the output, but those that are never fetched", async () => {
  const found: string[] = [];
  for (const path of files.filter((name) => /\.(js|css|html|svg|webmanifest)$/.test(name))) {
    for (const [address] of (await text(path)).matchAll(/\b(?:https?|wss?):\/\/[^\s"'`)<>\\]+/g)) {
      if (!HARMLESS.some(([pattern]) => pattern.test(address))) found.push(`${path}: ${address}`);
    }
  }
  expect(found).toEqual([]);
});

test("there is no WebAssembly, and nothing that evaluates text as code", async () => {
  expect(files.filter((path) => path.endsWith(".wasm"))).toEqual([]);
  for (const path of files.filter((name) => name.endsWith(".js"))) {
    expect(await text(path), path).not.toMatch(/\bnew Function\(|\beval\(|WebAssembly\./);
  }
});

test("the page's policy allows its own origin only, and the page has no inline script or style", async () => {
  const html = await text("index.html");
  const policy = /http-equiv="Content-Security-Policy"\s+content="([^"]+)"/.exec(html)?.[1] ?? "";
  expect(policy).toContain("default-src 'none'");
  for (const directive of policy.split(";").map((part) => part.trim().split(/\s+/))) {
    const allowed = directive[0] === "img-src" ? ["'self'", "data:", "blob:"] : ["'self'", "'none'"];
    expect(directive.slice(1).filter((source) => !allowed.includes(source))).toEqual([]);
  }
  expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/);
});

test("the service worker keeps the app's files and no weights, and everything is named relative to the app's folder", async () => {
  const worker = await text("sw.js");
  for (const path of files.filter((name) => /^(index\.html|assets\/.*|icons\/.*)$/.test(name))) expect(worker).toContain(path);
  expect(worker).not.toMatch(/models\/|safetensors/);
  const manifest = JSON.parse(await text("manifest.webmanifest")) as { start_url: string; scope: string; icons: { src: string }[] };
  expect([manifest.start_url, manifest.scope]).toEqual(["./", "./"]);
  for (const { src } of manifest.icons) expect(files).toContain(src);
  expect(await text("index.html")).not.toMatch(/(?:src|href)="\//);
});

test("every package that is bundled is named with its licence: in the page, in the worker and in the service worker", async () => {
  const named = (await text("licenses.md")).split(/^## (?=\S+ \d+\.\d+\.\d+ \()/m).slice(1);
  const { dependencies } = JSON.parse(await text("../package.json")) as { dependencies: Record<string, string> };
  const bundled = Object.keys(dependencies).filter((name) => name !== "webgpu"); // the command line's
  for (const name of [...bundled, "scheduler", "vite", "rolldown"]) {
    const section = named.find((one) => one.startsWith(`${name} `)) ?? "";
    expect(section, name).toMatch(/^\S+ \S+ \((MIT|ISC|Apache-2\.0)\)/);
    expect(section, name).toMatch(/Permission to use|Permission is hereby granted|Apache License/);
  }
});
