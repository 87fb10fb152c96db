// Rows turned in one dispatch, in workgroup memory, against a dispatch for each step: one for the signs, one for each bit of the Hadamard
// transform, and what comes before or behind.
import { test } from "vitest";
import { embedInt8 } from "../../src/kernels/embed_int8";
import { rotateQuantize } from "../../src/kernels/rotate_quantize";
import { hadamardBlock } from "../../src/quantize/hadamard";
import { rotateQuantize as quantised } from "../../src/quantize/int8";
import { expectClose, expectQuantised, floatRows, int8Rows } from "../kernels/rows";
import { randomFloats, useGpu } from "../setup/gpu";
import { compare } from "./compare";
import { plainly, wayOf, waysByThreads } from "./passes";

const bench = useGpu();

const signsCode = `
override WIDTH: u32;
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read> signs: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let column = id.x % WIDTH;
  if (id.x < arrayLength(&output)) {
    output[id.x] = select(input[id.x], -input[id.x], ((signs[column / 32u] >> (column % 32u)) & 1u) == 1u);
  }
}
`;

const stepCode = `
override HALF: u32;
@group(0) @binding(0) var<storage, read_write> values: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = id.x / HALF * 2u * HALF + id.x % HALF;
  if (i < arrayLength(&values)) {
    let a = values[i];
    let b = values[i + HALF];
    values[i] = a + b;
    values[i + HALF] = a - b;
  }
}
`;

const largestCode = `
override WIDTH: u32;
override UNIT: f32;
@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read_write> scales: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= arrayLength(&scales)) {
    return;
  }
  var largest = 0.0;
  for (var i = 0u; i < WIDTH; i++) {
    largest = max(largest, abs(values[id.x * WIDTH + i]));
  }
  scales[id.x] = largest * UNIT / 127.0;
}
`;

const codesCode = `
override WIDTH: u32; // a multiple of 16
override UNIT: f32;
@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read> scales: array<f32>;
@group(0) @binding(2) var<storage, read_write> codes: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= arrayLength(&codes)) {
    return;
  }
  var word = 0u;
  for (var i = 0u; i < 4u; i++) {
    let x = values[id.x * 4u + i] * UNIT / scales[id.x * 4u / WIDTH];
    word |= (u32(i32(sign(x) * floor(min(abs(x), 127.0) + 0.5))) & 255u) << (8u * i);
  }
  codes[id.x] = word;
}
`;

const lookUpCode = `
override WIDTH: u32; // a multiple of 16
override UNIT: f32;
@group(0) @binding(0) var<storage, read> tokens: array<u32>;
@group(0) @binding(1) var<storage, read> table: array<u32>;
@group(0) @binding(2) var<storage, read> table_scales: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < arrayLength(&output)) {
    let token = tokens[id.x / WIDTH];
    let at = token * WIDTH + id.x % WIDTH;
    let code = i32(table[at / 4u] << (24u - 8u * (at % 4u))) >> 24u;
    output[id.x] = f32(code) * table_scales[token] * UNIT;
  }
}
`;

/** The steps of the transform, each thread a sum and a difference. */
function steps(values: GPUBuffer, count: number, width: number) {
  return Array.from({ length: Math.log2(hadamardBlock(width)) }, (_, bit) => [
    plainly("step", stepCode, count / 2, { values }, { HALF: 2 ** bit }),
  ]);
}

test.each([
  [1, 256],
  [1, 1024],
  [16, 1024],
  [1, 4608],
  [64, 1024],
] as const)("%i rows of %i", (rows, width) =>
  bench.run(async (lab) => {
    const pass = { rows, headRows: 0, position: 0 };
    const count = rows * width;
    const constants = { WIDTH: width, UNIT: 1 / Math.sqrt(hadamardBlock(width)) };
    const { values } = floatRows(lab, rows, width);
    const transform = steps(values, count, width);

    const input = { kind: "float", width, values: lab.upload(randomFloats(count, 1)) } as const;
    const [plain, ours] = [int8Rows(lab, rows, width), int8Rows(lab, rows, width)];
    const { signs } = ours;
    const { codes, scales } = plain;
    await compare(`rotate_quantize: ${rows} rows of ${width}, on ${lab.gpu.name}`, [
      await wayOf(
        lab,
        `${transform.length + 3} dispatches`,
        [
          [plainly("signs", signsCode, count, { input: input.values, signs, output: values }, { WIDTH: width })],
          ...transform,
          [plainly("largest", largestCode, rows, { values, scales }, constants)],
          [plainly("codes", codesCode, count / 4, { values, scales, codes }, constants)],
        ],
        pass,
      ),
      ...(await waysByThreads(lab, "rotate_quantize", (device) => rotateQuantize("ours", { input, output: ours }, device), pass)),
    ]);
    await expectQuantised(lab, ours, { codes: await lab.bytes(codes, count), scales: await lab.floats(scales, rows) });

    const vocabulary = 512;
    const made = quantised(randomFloats(vocabulary * width, 2), width);
    const table = {
      kind: "int8",
      inputs: width,
      outputs: vocabulary,
      codes: lab.upload(made.codes),
      scales: lab.upload(made.scales),
    } as const;
    const tokens = lab.upload(Uint32Array.from({ length: rows }, (_, row) => (row * 37) % vocabulary));
    const [back, output] = [floatRows(lab, rows, width), floatRows(lab, rows, width)];
    await compare(`embed_int8: ${rows} rows of ${width}, on ${lab.gpu.name}`, [
      await wayOf(
        lab,
        `${transform.length + 2} dispatches`,
        [
          [plainly("look up", lookUpCode, count, { tokens, table: table.codes, table_scales: table.scales, output: values }, constants)],
          ...transform,
          [plainly("signs", signsCode, count, { input: values, signs, output: back.values }, { WIDTH: width })],
        ],
        pass,
      ),
      ...(await waysByThreads(lab, "embed_int8", (device) => embedInt8("ours", { tokens, table, signs, output }, device), pass)),
    ]);
    expectClose(await lab.floats(output.values, count), await lab.floats(back.values, count), 1e-6);
  }),
);
