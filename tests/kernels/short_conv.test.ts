import { describe, test } from "vitest";
import { MAX_TREE_ROWS } from "../../src/kernels/batch";
import { shortConv } from "../../src/kernels/short_conv";
import { shortConvReference } from "../../src/kernels/short_conv.reference";
import { randomFloats, useGpu } from "../setup/gpu";
import { expectClose, floatRows } from "./rows";

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
        const step = shortConv("test", {
          batch: lab.batch,
          input: { kind: "float", width: 3 * width, values: lab.upload(part) },
          taps: lab.upload(taps),
          tapCount,
          bias: lab.upload(bias),
          state,
          output,
        });
        await lab.pass([[step]], { rows: count, headRows: 0 }, first, index % 2);
        expectClose(await lab.floats(output.values, count * width), expected.subarray(first * width, (first + count) * width), 1e-6);
        first += count;
      }
    }),
  );
});
