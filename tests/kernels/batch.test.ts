import { describe, expect, test } from "vitest";
import { BATCH_WORDS, batchWords, historyEntries, treePaths } from "../../src/kernels/batch";

test("a plain pass is four numbers and zeros", () => {
  const words = batchWords({ rows: 300, headRows: 1, position: 77 }, 1);
  expect([...words]).toEqual([300, 77, 1, 1, ...Array.from({ length: BATCH_WORDS - 4 }, () => 0)]);
});

test("a tree's rows say the way down to them, four bits a depth", () => {
  // 0 - 1 - 2, 1 - 3, 0 - 4
  const words = batchWords({ rows: 5, headRows: 5, position: 9, tree: { parents: [0, 0, 1, 1, 0] } }, 0);
  const nodes = Array.from({ length: 5 }, (_, row) => [...words.subarray(8 + 4 * row, 12 + 4 * row)]);
  expect(words[4]).toBe(1);
  expect(nodes).toEqual([
    [0, 0, 0, 0],
    [0x10, 0, 1, 0],
    [0x210, 0, 2, 0],
    [0x310, 0, 2, 0],
    [0x40, 0, 1, 0],
  ]);
});

test("the deepest path fills both words", () => {
  const parents = Array.from({ length: 16 }, (_, row) => Math.max(0, row - 1));
  const words = batchWords({ rows: 16, headRows: 16, position: 0, tree: { parents } }, 0);
  expect([...words.subarray(68, 72)]).toEqual([0x76543210, 0xfedcba98, 15, 0]);
});

test("the rows kept of the tree before are a path too", () => {
  const words = batchWords({ rows: 1, headRows: 1, position: 12, accepted: [0, 2, 9, 15] }, 0);
  expect([...words.subarray(4, 8)]).toEqual([0, 4, 0xf920, 0]);
});

describe("what is no tree, or no path from a root, is refused", () => {
  const shape = { headRows: 1, position: 0 };
  test.each([
    { rows: 3, tree: { parents: [0, 0] } },
    { rows: 17, tree: { parents: Array.from({ length: 17 }, () => 0) } },
    { rows: 2, tree: { parents: [0, 1] } },
    { rows: 2, tree: { parents: [0, -1] } },
    { rows: 1, accepted: [1] },
    { rows: 1, accepted: [0, 2, 2] },
    { rows: 1, accepted: [0, 16] },
  ])("%j", (pass) => {
    expect(() => batchWords({ ...shape, ...pass }, 0)).toThrow(/A pass was asked for/);
  });
});

test("paths are rows from the root down", () => {
  expect(treePaths({ parents: [0, 0, 1, 0] })).toEqual([[0], [0, 1], [0, 1, 2], [0, 3]]);
});

test("history is what was kept last, and what was there before where less was kept", () => {
  expect(historyEntries(2, [])).toEqual([0, 1]);
  expect(historyEntries(2, [0])).toEqual([1, 2]);
  expect(historyEntries(2, [0, 3])).toEqual([2, 5]);
  expect(historyEntries(3, [0, 2, 5, 6])).toEqual([5, 8, 9]);
});
