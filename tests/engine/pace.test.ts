import { expect, test } from "vitest";
import { Pace, submitMsOf, submitsOf } from "../../src/engine/pace";

/** Feeds a prompt through a device where a pass takes `fixed` and each of its rows `each` more; returns [rows, ms] of each pass. */
function prefill(pace: Pace, tokens: number, msOf: (rows: number, pass: number) => number): [rows: number, ms: number][] {
  const passes: [number, number][] = [];
  for (let left = tokens; left > 0; ) {
    const rows = Math.min(left, pace.rows);
    const ms = msOf(rows, passes.length);
    pace.passed(rows, ms);
    passes.push([rows, ms]);
    left -= rows;
  }
  return passes;
}

test("a fast device soon gets passes as large as there is room for", () => {
  const passes = prefill(new Pace({ most: 256 }), 2048, (rows) => 0.5 + rows * 0.05);
  expect(passes.slice(0, 6).map(([rows]) => rows)).toEqual([16, 32, 64, 128, 256, 256]);
});

test.each([
  ["a weak one", 2, 1],
  ["a very weak one", 15, 4],
  ["one with dear passes", 40, 0.5],
])("%s keeps every pass within 100 ms, and spends most of what it may", (_, fixed, each) => {
  const passes = prefill(new Pace({ most: 256 }), 2048, (rows) => fixed + rows * each);
  expect(Math.max(...passes.map(([, ms]) => ms))).toBeLessThanOrEqual(100);
  const later = passes.slice(4, -1).map(([, ms]) => ms);
  expect(Math.min(...later)).toBeGreaterThan(25);
});

test.each([
  [1, 16],
  [5, 12],
  [12, 5],
  [24, 4],
  [40, 2], // four would be too long
  [70, 1],
  [120, 4], // any is too long, and what a pass takes beside its rows is then best shared
])("where a row was measured to take %i ms, a first pass has %i", (each, first) => {
  const costs = [1, 2, 4, 8, 16].map((rows) => ({ rows, ms: rows * each }));
  expect(new Pace({ most: 256, costs }).rows).toBe(first);
  expect(new Pace({ most: 3, costs }).rows).toBe(Math.min(first, 3));
});

test("a device that becomes slow, as one that is hot or shared, is followed at once and back", () => {
  const pace = new Pace({ most: 256 });
  const passes = prefill(pace, 6000, (rows, pass) => rows * (pass >= 8 && pass < 16 ? 2 : 0.2));
  const [, first] = passes[8]!;
  expect(first).toBeGreaterThan(100); // nobody can know before
  for (const [, ms] of passes.slice(9, 16)) expect(ms).toBeLessThanOrEqual(100);
  expect(passes.at(-2)?.[0]).toBe(256);
});

test("the short rest of a prompt does not make the next one slow", () => {
  const pace = new Pace({ most: 256 });
  prefill(pace, 1000, (rows) => rows * 0.1);
  expect(pace.rows).toBe(256);
  pace.passed(3, 0.4);
  expect(pace.rows).toBe(256);
});

test("the slowest devices still get some rows a pass, and a clock that stands still harms nothing", () => {
  const slow = new Pace({ most: 256 });
  slow.passed(16, 30_000);
  expect(slow.rows).toBe(4);
  const stopped = new Pace({ most: 100 });
  for (let i = 0; i < 5; i++) stopped.passed(stopped.rows, 0);
  expect(stopped.rows).toBe(100);
});

test("where nobody else waits for the device, passes are as large as there is room for from the start", () => {
  const pace = new Pace({ most: 64, submitMs: submitMsOf({ software: true }) });
  expect(pace.rows).toBe(64);
  expect(pace.chainRows).toBe(Number.POSITIVE_INFINITY);
  pace.passed(64, 5000);
  pace.chained(8, 5000);
  expect(pace.rows).toBe(64);
  expect(pace.chainRows).toBe(Number.POSITIVE_INFINITY);
});

test("a chain's passes share submits as far as they fit, as they were measured or seen", () => {
  const submitMs = submitMsOf({ software: false });
  const costs = [1, 2, 4].map((rows) => ({ rows, ms: rows * 30 }));
  expect(new Pace({ most: 64, costs }).chainRows * 30).toBeLessThanOrEqual(submitMs);
  expect(new Pace({ most: 64, costs }).chainRows).toBe(3);
  const pace = new Pace({ most: 64 });
  expect(pace.chainRows).toBe(1);
  pace.chained(8, 16);
  expect(pace.chainRows).toBeGreaterThanOrEqual(16);
  pace.chained(8, 240);
  expect(pace.chainRows).toBe(3);
  pace.chained(2, 5000);
  expect(pace.chainRows).toBe(1);
});

test("submits hold as many rows as they may, or one pass that has more", () => {
  const rowsOf = (passes: readonly number[], most: number) =>
    submitsOf(
      passes.map((rows) => ({ rows })),
      most,
    ).map((submit) => submit.map(({ rows }) => rows));
  expect(rowsOf([2, 1, 1, 1, 1], 3)).toEqual([
    [2, 1],
    [1, 1, 1],
  ]);
  expect(rowsOf([9, 1, 1], 2)).toEqual([[9], [1, 1]]);
  expect(rowsOf([1, 1, 1], 1)).toEqual([[1], [1], [1]]);
  expect(rowsOf([64, 1, 1], Number.POSITIVE_INFINITY)).toEqual([[64, 1, 1]]);
});

test("room for fewer rows than a pace begins with is enough", () => {
  expect(new Pace({ most: 2 }).rows).toBe(2);
});
