// Full precision: products and look-ups of bf16 weights against a thread for each output of each row.
import { test } from "vitest";
import { embedFloat } from "../../src/kernels/embed_float";
import { linearFloat } from "../../src/kernels/linear_float";
import { narrowToBF16 } from "../../src/quantize/floats";
import { expectClose, floatRows } from "../kernels/rows";
import { randomFloats, useGpu } from "../setup/gpu";
import { compare } from "./compare";
import { plainly, wayOf } from "./passes";

const bench = useGpu();
const MOST_ROWS = 64;

const widen = `
fn widened(words: vec2<u32>) -> vec4<f32> {
  return bitcast<vec4<f32>>(vec4<u32>(words.x << 16u, words.x & 0xffff0000u, words.y << 16u, words.y & 0xffff0000u));
}
`;

const productCode = `${widen}
override VECS: u32;
override OUTPUTS: u32;
@group(0) @binding(0) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let row = id.x / OUTPUTS;
  let column = id.x % OUTPUTS;
  if (id.x >= arrayLength(&input) / VECS * OUTPUTS) {
    return;
  }
  var sum = bias[column];
  for (var k = 0u; k < VECS; k++) {
    sum += dot(input[row * VECS + k], widened(weight[column * VECS + k]));
  }
  output[id.x] = sum;
}
`;

const lookUpCode = `${widen}
override VECS: u32;
@group(0) @binding(0) var<storage, read> tokens: array<u32>;
@group(0) @binding(1) var<storage, read> weight: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let row = id.x / (4u * VECS);
  if (row < arrayLength(&tokens)) {
    output[id.x] = widened(weight[tokens[row] * VECS + id.x % (4u * VECS) / 4u])[id.x % 4u];
  }
}
`;

test.each([
  [256, 1536],
  [1024, 1024],
] as const)("%i x %i", (inputs, outputs) =>
  bench.run(async (lab) => {
    const weight = lab.upload(narrowToBF16(randomFloats(outputs * inputs, 1)));
    const matrix = { kind: "float", type: "BF16", inputs, outputs, weight } as const;
    const bias = lab.upload(randomFloats(outputs, 2));
    for (const rows of [1, 4, 16, MOST_ROWS]) {
      const pass = { rows, headRows: 0, position: 0 };
      const input = { kind: "float", width: inputs, values: lab.upload(randomFloats(rows * inputs, 3)) } as const;
      const [plain, ours] = [floatRows(lab, rows, outputs), floatRows(lab, rows, outputs)];
      const bindings = { input: input.values, weight, bias, output: plain.values };
      await compare(`linear_float: ${rows} rows, ${inputs} x ${outputs}, on ${lab.gpu.name}`, [
        await wayOf(
          lab,
          "plain",
          [[plainly("plain", productCode, rows * outputs, bindings, { VECS: inputs / 4, OUTPUTS: outputs })]],
          pass,
        ),
        await wayOf(lab, "linear_float", [linearFloat("ours", { batch: lab.batch, input, matrix, bias, output: ours }, lab.gpu)], pass),
      ]);
      const count = rows * outputs;
      expectClose(await lab.floats(ours.values, count), await lab.floats(plain.values, count), 1e-5);
    }

    for (const rows of [1, MOST_ROWS]) {
      const pass = { rows, headRows: 0, position: 0 };
      const tokens = lab.upload(Uint32Array.from({ length: rows }, (_, row) => (row * 37) % outputs));
      const [plain, ours] = [floatRows(lab, rows, inputs), floatRows(lab, rows, inputs)];
      const bindings = { tokens, weight, output: plain.values };
      await compare(
        `embed_float: ${rows} rows of ${inputs}, on ${lab.gpu.name}`,
        [
          await wayOf(lab, "plain", [[plainly("plain", lookUpCode, rows * inputs, bindings, { VECS: inputs / 4 })]], pass),
          await wayOf(lab, "embed_float", [[embedFloat("ours", { tokens, table: matrix, output: ours })]], pass),
        ],
        1500,
      );
      expectClose(await lab.floats(ours.values, rows * inputs), await lab.floats(plain.values, rows * inputs), 0);
    }
  }),
);
