import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BenchReport } from "../../src/cli/bench_report";
import { describeReport } from "../../src/cli/bench_report";
import { rooflinePoints } from "../../src/cli/bench_svg";
import { fixture } from "../setup/models";
import { runRecorded } from "./recorded_terminal";

let folder = "";
let report: BenchReport;
let svg = "";
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gyre-bench-"));
  const file = join(folder, "roofline.svg");
  const speculate = ["--speculate", `suffix,ngram,draft:${fixture("stories260k")},tree:3`, "--temperature", "0"];
  const { code, stdout, notes } = await runRecorded(
    "bench",
    "--model",
    fixture("stories260k"),
    "--quick",
    "--json",
    "--svg",
    file,
    ...speculate,
  );
  expect(notes).toEqual([expect.stringContaining("drafts.ngram")]); // which was asked for, and is not there
  expect(code).toBe(0);
  report = JSON.parse(stdout);
  svg = readFileSync(file, "utf8");
});
afterAll(() => rmSync(folder, { recursive: true }));

test("figures where the context has room, and the reason where it has not", () => {
  expect(report.precision).toBe("w8a8");
  expect(report.contextLength).toBe(512);
  expect(report.submitsPerToken).toBe(1);
  expect(report.dispatchesPerToken).toBeGreaterThan(20);
  expect(report.copyGBps).toBeGreaterThan(0.01);
  expect(report.prefill.map(({ tokens, skipped }) => [tokens, skipped === null])).toContainEqual([2048, false]);
  expect(report.prefill[0]).toMatchObject({ tokens: 128, skipped: null });
  const [start, ...deeper] = report.decode;
  expect(start).toMatchObject({ depth: 0, skipped: null });
  if (start?.skipped === null) {
    expect(start.tokensPerSecond).toBeCloseTo(1000 / start.ms, 6);
    expect(start.GBps).toBeCloseTo(start.bytes / start.ms / 1e6, 6);
    expect(start.share).toBeCloseTo(start.GBps / report.copyGBps, 6);
  }
  for (const figure of deeper) expect(figure).toEqual({ depth: figure.depth, skipped: "the context is 512 tokens" });
  expect(report.rowCosts.map(({ rows }) => rows)).toEqual([1, 2, 4, 8, 16]);
  expect(report.rowCosts[0]).toMatchObject({ ratio: 1, skipped: null });
  expect(report.kernels).toEqual({ skipped: "--quick" });
});

test("plain decoding and each drafter that the model has, in one run", () => {
  const { speculation } = report;
  if (speculation.skipped !== null) throw new Error(speculation.skipped);
  const [plain, suffix, draft, together, ...others] = speculation.ways;
  expect(others).toEqual([]); // this model has no table of n-grams
  expect(plain).toMatchObject({ way: "plain", speed: 1, tokensPerPass: 1, proposed: 0, accepted: 0, byDrafter: {} });
  expect(suffix!.way).toBe("suffix");
  expect(suffix!.speed).toBeCloseTo(suffix!.tokensPerSecond / plain!.tokensPerSecond, 6);
  expect(suffix!.accepted).toBeGreaterThan(2);
  expect(suffix!.accepted).toBeLessThan(suffix!.proposed);
  expect(suffix!.byDrafter).toEqual({ suffix: { proposed: suffix!.proposed, accepted: suffix!.accepted } });
  expect(suffix!.tokensPerPass).toBeGreaterThan(1);
  // The model that drafts is the model itself, so only what it names beside its best is ever wrong.
  expect(draft!.way).toBe("draft");
  expect(draft!.tokensPerPass).toBeGreaterThan(2);
  expect(draft!.accepted / draft!.proposed).toBeGreaterThan(0.5);
  expect(draft!.draftMs).toBeGreaterThan(0);
  expect(draft!.verifyMs).toBeGreaterThan(0);
  expect(draft!.byDepth.length).toBeGreaterThan(1);
  expect(draft!.byDepth.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(draft!.accepted);
  expect(together!.way).toBe("suffix + draft");
  expect(Object.keys(together!.byDrafter)).toContain("draft");
});

test("the table names every figure", () => {
  const table = describeReport(report);
  for (const name of [
    "prefill 128",
    "decode at 0",
    "pass of 16 rows",
    "energy",
    "copy bandwidth",
    "- (the context is 512 tokens)",
    "drafts accepted",
    "verifying",
  ]) {
    expect(table).toContain(name);
  }
});

test("more rows read the same bytes: the roofline's points move right as they are added", () => {
  const points = rooflinePoints(report);
  const [one, two] = points;
  expect(two!.intensity / one!.intensity).toBeCloseTo(2, 6);
  expect(svg.match(/<circle/g)?.length).toBe(points.length);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});

test("a model and a shape exclude each other, and layers belong to a shape", async () => {
  for (const args of [
    [],
    ["--model", "x", "--shape", "stories15M"],
    ["--shape", "nothing"],
    ["--shape", "stories15M", "--speculate", "suffix"],
    ["--model", fixture("stories260k"), "--speculate", "nothing"],
    ["--model", fixture("stories260k"), "--layers", "1"],
  ]) {
    const { code, notes } = await runRecorded("bench", ...args);
    expect(code).toBe(1);
    expect(notes).toHaveLength(1);
  }
});
