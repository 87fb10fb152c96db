import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kernelDepths, measureKernels } from "../../src/cli/bench";
import type { BenchReport } from "../../src/cli/bench_report";
import { rooflinePoints, rooflineSvg } from "../../src/cli/bench_svg";
import { describeReport } from "../../src/cli/bench_table";
import { fixture, openFixture } from "../setup/models";
import { RecordedTerminal, runRecorded } from "./recorded_terminal";

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
    expect(start.shareOfCopy).toBeCloseTo(start.GBps / report.copyGBps, 6);
  }
  for (const figure of deeper) expect(figure).toEqual({ depth: figure.depth, skipped: "the context has room for 512 tokens" });
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

test("the table names every figure, and says what it is of", () => {
  const table = describeReport(report);
  expect(table).toMatch(/^stories260k, 5 layers, W8A8\non /);
  for (const name of [
    /^copy bandwidth: [\d.]+ GB\/s/m,
    /^a token: \d+ dispatches, 1 submit$/m,
    /^energy: /m,
    /^prefill +tokens\/s +ms to first token +passes\n {2}128 tokens +[\d.]+ +[\d.]+ +2$/m,
    /^ {2}2048 tokens +- \(the context has room for 512 tokens\)$/m,
    /^decode +tokens\/s +ms a token +GB\/s read +of copy bandwidth\n {2}at depth 0 +[\d.]+ +[\d.]+ +[\d.]+ +\d+ %$/m,
    /^ {2}16 rows +[\d.]+ +[\d.]+$/m,
    /^a token's GPU time +- \(--quick\)$/m,
    /^ {2}suffix \+ draft +[\d.]+ +[\d.]+ +[\d.]+ +\d+ % of \d+ +[\d.]+ +[\d.]+ +(suffix|draft) \d/m,
  ]) {
    expect(table).toMatch(name);
  }
});

test("a prompt's passes, where they are kept short, are told apart from the largest that there is room for", () => {
  const paced = { ms: 400, tokensPerSecond: 320, passes: 5 };
  const largest = { ms: 250, tokensPerSecond: 512, passes: 1 };
  const table = describeReport({
    ...report,
    hasRandomWeights: true,
    parameters: 1e6,
    prefill: [{ tokens: 128, ...paced, largest, skipped: null }],
  });
  expect(table).toContain("stories260k, 1.000 M parameters, 5 layers, random weights, W8A8");
  expect(table).toMatch(/^ {2}128 tokens +320 +400 +5\n {2}128 tokens, largest passes +512 +250 +1$/m);
  expect(report.prefill[0]).toMatchObject({ largest: null }); // in software nobody's screen waits
});

test("kernels are timed at the start and at the deepest place that has room", async () => {
  const decode = report.decode.map(({ depth }) => {
    return { depth, ms: 1, tokensPerSecond: 1000, bytes: 1, GBps: 1, shareOfCopy: 1, skipped: null } as const;
  });
  expect(kernelDepths({ decode, contextLength: 8320 })).toEqual([0, 8192]);
  expect(kernelDepths({ decode, contextLength: 8196 })).toEqual([0, 2048]);
  expect(kernelDepths(report)).toEqual([0]);
  const terminal = new RecordedTerminal();
  const kernels = await measureKernels(await openFixture("stories260k"), { precision: "w8a8" }, [0, 400], terminal);
  if (kernels.skipped !== null) throw new Error(kernels.skipped);
  const [start, deep] = kernels.at.map(({ depth, list }) => ({ depth, ...list.find(({ kernel }) => kernel === "attention") }));
  expect(start!.depth).toBe(0);
  expect(deep!.depth).toBe(400);
  expect(deep!.bytes).toBeCloseTo(401 * start!.bytes!, 3);
  expect(describeReport({ ...report, kernels })).toMatch(
    /^a token's GPU time +dispatches +ms at depth 0 +GB\/s read +ms at depth 400 +GB\/s read\n {2}\w/m,
  );
  expect(describeReport({ ...report, kernels })).toMatch(/^ {2}all, each by itself +\d+ +[\d.]+ +[\d.]+$/m);
});

test("more rows read the same bytes: the roofline's points move right as they are added", () => {
  const points = rooflinePoints(report);
  const [one, two] = points;
  expect(two!.intensity / one!.intensity).toBeCloseTo(2, 6);
  expect(svg.match(/<circle/g)?.length).toBe(points.length);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});

test("prompts that compute equally fast have labels in different places", () => {
  const prefill = [128, 512, 2048].map((tokens) => {
    return { tokens, ms: 10 * tokens, tokensPerSecond: 100, passes: tokens / 64, largest: null, skipped: null } as const;
  });
  const labels = [...rooflineSvg({ ...report, prefill }).matchAll(/<text ([^>]+)>prefill/g)].map(([, place]) => place);
  expect(labels).toHaveLength(3);
  expect(new Set(labels).size).toBe(3);
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
