import { describe, expect, test } from "vitest";
import { gatedSilu } from "../../src/kernels/gated_silu";
import { gatedSiluReference } from "../../src/kernels/gated_silu.reference";
import { rmsNorm } from "../../src/kernels/rms_norm";
import { rmsNormReference } from "../../src/kernels/rms_norm.reference";
import { rotateQuantize } from "../../src/kernels/rotate_quantize";
import { rotateQuantizeReference } from "../../src/kernels/rotate_quantize.reference";
import { shortConv } from "../../src/kernels/short_conv";
import { shortConvReference } from "../../src/kernels/short_conv.reference";
import type { FloatRows, Int8Rows } from "../../src/kernels/tensors";
import { hadamardBlock } from "../../src/quantize/hadamard";
import { paddedWidth, type Int8Rows as Quantised } from "../../src/quantize/int8";
import { signBits } from "../../src/quantize/signs";
import { type Lab, randomFloats, useGpu } from "../setup/gpu";

const bench = useGpu();

// Widths with every kind of block: whole chunks, parts of one, many chunks, blocks of 4 and of 1.
const shapes = [
  [1, 64],
  [3, 172],
  [2, 30],
  [2, 7],
  [5, 256],
  [1, 96],
  [2, 24],
  [2, 576],
  [1, 768],
  [2, 1024],
  [3, 1536],
  [2, 4608],
  [1, 8192],
] as const;

function floatRows(lab: Lab, rows: number, width: number): FloatRows {
  return { kind: "float", width, values: lab.output(rows * width * 4) };
}

function int8Rows(lab: Lab, rows: number, width: number): Int8Rows {
  return {
    kind: "int8",
    width,
    codes: lab.output(rows * paddedWidth(width)),
    scales: lab.output(rows * 4),
    signs: lab.upload(signBits(width)),
  };
}

function expectClose(actual: Float32Array, expected: Float32Array, tolerance: number): void {
  const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const worst = actual.reduce((most, x, i) => Math.max(most, Math.abs(x - (expected[i] ?? Number.NaN))), 0);
  expect(worst).toBeLessThanOrEqual(tolerance * largest);
}

/** Codes may differ by one where a value lies on the edge between two; scales by the rounding of a division. */
async function expectQuantised(lab: Lab, actual: Int8Rows, expected: Quantised): Promise<void> {
  const codes = await lab.bytes(actual.codes, expected.codes.length);
  const scales = await lab.floats(actual.scales, expected.scales.length);
  expectClose(scales, expected.scales, 1e-5);
  let differing = 0;
  codes.forEach((code, i) => {
    const apart = Math.abs(code - (expected.codes[i] ?? Number.NaN));
    expect(apart).toBeLessThanOrEqual(1);
    differing += apart;
  });
  expect(differing).toBeLessThanOrEqual(Math.ceil(codes.length / 500));
  // Invariants that hold exactly: the largest code is 127, and what pads a row is zero.
  const stride = paddedWidth(actual.width);
  for (let row = 0; row < scales.length; row++) {
    const all = codes.subarray(row * stride, (row + 1) * stride);
    expect(Math.max(...all.map(Math.abs))).toBe(127);
    expect(all.subarray(actual.width).every((code) => code === 0)).toBe(true);
  }
}

describe.each(shapes)("%i rows of %i", (rows, width) => {
  const input = randomFloats(rows * width, 1);

  test("rotate_quantize", () =>
    bench.run(async (lab) => {
      const output = int8Rows(lab, rows, width);
      const step = rotateQuantize("test", { input: { kind: "float", width, values: lab.upload(input) }, output });
      await lab.pass([[step]], { rows, headRows: 0 });
      await expectQuantised(lab, output, rotateQuantizeReference(input.slice(), width));
    }));

  test("rms_norm, float and INT8", () =>
    bench.run(async (lab) => {
      const weight = randomFloats(width, 2);
      const rowsIn = { kind: "float", width, values: lab.upload(input) } as const;
      const outputs = [floatRows(lab, rows, width), int8Rows(lab, rows, width)] as const;
      const steps = outputs.map((output) => [
        rmsNorm("test", { batch: lab.batch, input: rowsIn, weight: lab.upload(weight), epsilon: 1e-5, output }),
      ]);
      await lab.pass(steps, { rows, headRows: 0 });
      const expected = rmsNormReference(input, weight, 1e-5);
      expectClose(await lab.floats(outputs[0].values, rows * width), expected, 1e-6);
      await expectQuantised(lab, outputs[1], rotateQuantizeReference(expected, width));
    }));

  test("gated_silu, float and INT8", () =>
    bench.run(async (lab) => {
      const pair = randomFloats(rows * width * 2, 3).map((x) => x * 8);
      const rowsIn = { kind: "float", width: 2 * width, values: lab.upload(pair) } as const;
      const outputs = [floatRows(lab, rows, width), int8Rows(lab, rows, width)] as const;
      await lab.pass(
        outputs.map((output) => [gatedSilu("test", { input: rowsIn, output })]),
        { rows, headRows: 0 },
      );
      const expected = gatedSiluReference(pair, width);
      expectClose(await lab.floats(outputs[0].values, rows * width), expected, 1e-6);
      await expectQuantised(lab, outputs[1], rotateQuantizeReference(expected, width));
    }));
});

test("rms_norm of the rows that want logits takes the last ones", () =>
  bench.run(async (lab) => {
    const [rows, headRows, width] = [5, 2, 32];
    const input = randomFloats(rows * width, 4);
    const weight = randomFloats(width, 5);
    const output = floatRows(lab, headRows, width);
    const step = rmsNorm("test", {
      batch: lab.batch,
      input: { kind: "float", width, values: lab.upload(input) },
      weight: lab.upload(weight),
      epsilon: 1e-5,
      output,
      head: true,
    });
    await lab.pass([[step]], { rows, headRows });
    const expected = rmsNormReference(input.subarray((rows - headRows) * width), weight, 1e-5);
    expectClose(await lab.floats(output.values, headRows * width), expected, 1e-6);
  }));

test("an all-zero row has scale 1 and zero codes", () =>
  bench.run(async (lab) => {
    const output = int8Rows(lab, 2, 64);
    const input = randomFloats(128, 6).fill(0, 0, 64);
    await lab.pass([[rotateQuantize("test", { input: { kind: "float", width: 64, values: lab.upload(input) }, output })]], {
      rows: 2,
      headRows: 0,
    });
    const scales = await lab.floats(output.scales, 2);
    expect(scales[0]).toBe(1);
    expect(scales[1]).toBeLessThan(0.1);
    expect((await lab.bytes(output.codes, 64)).every((code) => code === 0)).toBe(true);
  }));

test("rotation spreads an outlier: the codes of the other values keep their precision", () =>
  bench.run(async (lab) => {
    const width = 1024;
    const input = randomFloats(width, 7);
    input[100] = 1000;
    const output = int8Rows(lab, 1, width);
    await lab.pass([[rotateQuantize("test", { input: { kind: "float", width, values: lab.upload(input) }, output })]], {
      rows: 1,
      headRows: 0,
    });
    const [scale = 0] = await lab.floats(output.scales, 1);
    // Unrotated, the scale would be 1000 / 127; spread over 1,024 values, the outlier adds 1000 / 32 to each.
    expect(scale).toBeLessThan(1000 / 127 / 20);
    expect(hadamardBlock(width)).toBe(1024);
  }));

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
      const state = lab.memory.storage("state", "cache", 2 * (tapCount - 1) * width * 4);
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
