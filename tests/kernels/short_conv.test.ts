import { describe, expect, test } from "vitest";
import { MAX_TREE_ROWS, type Tree, treePaths } from "../../src/kernels/batch";
import { rotateQuantizeReference } from "../../src/kernels/rotate_quantize.reference";
import { shortConv } from "../../src/kernels/short_conv";
import { shortConvReference } from "../../src/kernels/short_conv.reference";
import { randomFloats, traits, useGpu } from "../setup/gpu";
import { expectClose, expectQuantised, floatRows, int8Rows, rowShapes } from "./rows";

const bench = useGpu();

// The split of a sequence into passes must not matter: not for the results, and not for the state that the next pass finds.
describe.each([3, 4, 2])("short_conv with %i taps", (tapCount) => {
  test.each([[[1, 1, 1, 1, 1, 1, 1]], [[7]], [[2, 5]], [[3, 1, 3]], [[1, 6]]])("rows a pass: %j", (passes) =>
    bench.run(async (lab) => {
      const width = 40;
      const rows = passes.reduce((a, b) => a + b, 0);
      const input = randomFloats(rows * 3 * width, 8);
      const taps = randomFloats(width * tapCount, 9);
      const bias = randomFloats(width, 10);
      const expected = shortConvReference(input, taps, bias, new Float32Array((tapCount - 1) * width));
      const state = lab.memory.storage("state", "cache", 2 * (tapCount - 1 + MAX_TREE_ROWS) * width * 4);
      let first = 0;
      for (const [index, count] of passes.entries()) {
        const output = floatRows(lab, count, width);
        const part = input.slice(first * 3 * width, (first + count) * 3 * width);
        const step = {
          batch: lab.batch,
          input: { kind: "float", width: 3 * width, values: lab.upload(part) },
          taps: lab.upload(taps),
          tapCount,
          bias: lab.upload(bias),
          state,
          output,
        } as const;
        await lab.pass([[shortConv("test", step, lab.gpu)]], { rows: count, headRows: 0 }, first, index % 2);
        expectClose(await lab.floats(output.values, count * width), expected.subarray(first * width, (first + count) * width), 1e-6);
        first += count;
      }
    }),
  );
});

test.each(rowShapes)("rotated and quantised: %i rows of %i, as for %s", (rows, width, kind) =>
  bench.run(async (lab) => {
    const input = randomFloats(rows * 3 * width, 11);
    const [taps, bias] = [randomFloats(width * 3, 12), randomFloats(width, 13)];
    const output = int8Rows(lab, rows, width);
    const step = {
      batch: lab.batch,
      input: { kind: "float", width: 3 * width, values: lab.upload(input) },
      taps: lab.upload(taps),
      tapCount: 3,
      bias: lab.upload(bias),
      state: lab.memory.storage("state", "cache", 2 * (2 + MAX_TREE_ROWS) * width * 4),
      output,
    } as const;
    await lab.pass([[shortConv("test", step, traits[kind])]], { rows, headRows: 0 });
    const expected = shortConvReference(input, taps, bias, new Float32Array(2 * width));
    await expectQuantised(lab, output, rotateQuantizeReference(expected, width));
  }),
);

test("each node of a tree looks back along its own path, into what the last tree left of it too", () =>
  bench.run(async (lab) => {
    const [width, tapCount] = [40, 4];
    const [taps, bias] = [randomFloats(width * tapCount, 14), randomFloats(width, 15)];
    const state = lab.memory.storage("state", "cache", 2 * (tapCount - 1 + MAX_TREE_ROWS) * width * 4);
    const common = { batch: lab.batch, taps: lab.upload(taps), tapCount, bias: lab.upload(bias), state };
    const run = async (input: Float32Array<ArrayBuffer>, pass: { tree?: Tree; accepted?: readonly number[] }, slot: number) => {
      const rows = input.length / (3 * width);
      const output = floatRows(lab, rows, width);
      const values = lab.upload(input);
      const step = shortConv("test", { ...common, input: { kind: "float", width: 3 * width, values }, output }, lab.gpu);
      await lab.pass([[step]], { rows, headRows: 0, ...pass }, 0, slot);
      return lab.floats(output.values, rows * width);
    };
    const rowsOf = (input: Float32Array, rows: readonly number[]) =>
      Float32Array.from(rows.flatMap((row) => [...input.subarray(row * 3 * width, (row + 1) * 3 * width)]));
    const expectPaths = (output: Float32Array, input: Float32Array, tree: Tree, before: Float32Array) => {
      for (const path of treePaths(tree)) {
        const expected = shortConvReference(concat(before, rowsOf(input, path)), taps, bias, new Float32Array((tapCount - 1) * width));
        const row = path.at(-1) ?? 0;
        expectClose(output.subarray(row * width, (row + 1) * width), expected.subarray(-width), 1e-6);
      }
    };
    const first = randomFloats(2 * 3 * width, 16);
    await run(first, {}, 0);
    const trees = [{ parents: [0, 0, 1, 1, 0, 4, 5] }, { parents: [0, 0, 0, 2, 3] }, { parents: [0] }] as const;
    const kept = [[0, 4, 5], [0], [0]];
    let before: Float32Array<ArrayBuffer> = first;
    for (const [i, tree] of trees.entries()) {
      const input = randomFloats(tree.parents.length * 3 * width, 17 + i);
      const output = await run(input, { tree, ...(i > 0 ? { accepted: kept[i - 1] ?? [] } : {}) }, (i + 1) % 2);
      expectPaths(output, input, tree, before);
      before = concat(before, rowsOf(input, kept[i] ?? []));
    }
    expect(before.length).toBe((2 + 3 + 1 + 1) * 3 * width);
  }));

function concat(a: Float32Array, b: Float32Array): Float32Array<ArrayBuffer> {
  const both = new Float32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
