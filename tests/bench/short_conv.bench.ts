// The short convolution in one dispatch, up to rows that may enter a product, against a dispatch for each step.
import { test } from "vitest";
import { MAX_TREE_ROWS } from "../../src/kernels/batch";
import { rotateQuantize } from "../../src/kernels/rotate_quantize";
import { shortConv } from "../../src/kernels/short_conv";
import { floatRows, int8Rows } from "../kernels/rows";
import { randomFloats, useGpu } from "../setup/gpu";
import { compare } from "./compare";
import { expectSameCodes, plainly, wayOf, waysByThreads } from "./passes";

const bench = useGpu();
const WIDTH = 1024; // of LFM2.5-350M

const gateCode = `
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> gated: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let start = id.x / ${WIDTH}u * ${3 * WIDTH}u + id.x % ${WIDTH}u;
  if (id.x < arrayLength(&gated)) {
    gated[id.x] = input[start] * input[start + ${2 * WIDTH}u];
  }
}
`;

// z of earlier tokens is in the state, two of them, oldest first; what the next pass will need goes behind them.
const earlierCode = `
@group(0) @binding(0) var<storage, read> gated: array<f32>;
@group(0) @binding(1) var<storage, read_write> state: array<f32>;

fn z(row: i32, column: u32) -> f32 {
  if (row < 0) {
    return state[u32(row + 2) * ${WIDTH}u + column];
  }
  return gated[u32(row) * ${WIDTH}u + column];
}
`;

const convCode = `${earlierCode}
@group(0) @binding(2) var<storage, read> input: array<f32>;
@group(0) @binding(3) var<storage, read> taps: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= arrayLength(&output)) {
    return;
  }
  let row = id.x / ${WIDTH}u;
  let column = id.x % ${WIDTH}u;
  var sum = bias[column];
  for (var tap = 0u; tap < 3u; tap++) {
    sum += taps[column * 3u + tap] * z(i32(row + tap) - 2, column);
  }
  output[id.x] = input[row * ${3 * WIDTH}u + ${WIDTH}u + column] * sum;
}
`;

const keepCode = `${earlierCode}
override ROWS: i32;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < ${WIDTH}u) {
    state[${2 * WIDTH}u + id.x] = z(ROWS - 2, id.x);
    state[${3 * WIDTH}u + id.x] = z(ROWS - 1, id.x);
  }
}
`;

test("short_conv", () =>
  bench.run(async (lab) => {
    const [taps, bias] = [lab.upload(randomFloats(WIDTH * 3, 5)), lab.upload(randomFloats(WIDTH, 6))];
    for (const rows of [1, 8, 64]) {
      const input = { kind: "float", width: 3 * WIDTH, values: lab.upload(randomFloats(rows * 3 * WIDTH, 7)) } as const;
      const [output, plain] = [int8Rows(lab, rows, WIDTH), int8Rows(lab, rows, WIDTH)];
      const [gated, middle] = [floatRows(lab, rows, WIDTH).values, floatRows(lab, rows, WIDTH)];
      const [state, plainState] = [2 * (2 + MAX_TREE_ROWS), 4].map((entries) => lab.upload(new Float32Array(entries * WIDTH)));
      if (!state || !plainState) throw new Error("two states are made");
      const earlier = { gated, state: plainState };
      const pass = { rows, headRows: 0, position: 0 };
      await compare(`short_conv: ${rows} rows of ${WIDTH}, on ${lab.gpu.name}`, [
        await wayOf(
          lab,
          "gate, convolution, rotate_quantize, state",
          [
            [plainly("gate", gateCode, rows * WIDTH, { input: input.values, gated })],
            [plainly("conv", convCode, rows * WIDTH, { ...earlier, input: input.values, taps, bias, output: middle.values })],
            [rotateQuantize("rotate", { input: middle, output: plain }, lab.gpu)],
            [plainly("keep", keepCode, WIDTH, earlier, { ROWS: rows })],
          ],
          pass,
        ),
        ...(await waysByThreads(
          lab,
          "short_conv",
          (device) => shortConv("ours", { batch: lab.batch, input, taps, tapCount: 3, bias, state, output }, device),
          pass,
        )),
      ]);
      await expectSameCodes(lab, output.codes, plain.codes, rows * WIDTH);
    }
  }));
