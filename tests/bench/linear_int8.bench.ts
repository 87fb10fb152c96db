// Products of INT8 codes against the plain way, a thread for each output of each row, and what more rows cost.
import { test } from "vitest";
import type { Dispatch } from "../../src/gpu/plan";
import { makeShader } from "../../src/gpu/shader";
import { linearInt8 } from "../../src/kernels/linear_int8";
import { type Choices, candidates, defaultChoices } from "../../src/kernels/policy";
import { rotateQuantize } from "../../src/quantize/int8";
import { randomFloats, useGpu } from "../setup/gpu";
import { compare } from "./compare";
import { wayOf } from "./passes";

const bench = useGpu();
const MOST_ROWS = 64;

const plainCode = `
override VECS: u32;
override OUTPUTS: u32;
@group(0) @binding(0) var<storage, read> codes: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> scales: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> weight_scales: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let column = id.x;
  let row = id.y;
  if (column >= OUTPUTS) {
    return;
  }
  var sum = 0;
  for (var k = 0u; k < VECS; k++) {
    let x = codes[row * VECS + k];
    let w = weight[column * VECS + k];
    sum += dot4I8Packed(x.x, w.x) + dot4I8Packed(x.y, w.y) + dot4I8Packed(x.z, w.z) + dot4I8Packed(x.w, w.w);
  }
  output[row * OUTPUTS + column] = f32(sum) * scales[row] * weight_scales[column];
}
`;

test.each([
  ["demo, gate and up", 256, 1536],
  ["demo, down", 768, 256],
  ["LFM2.5-350M, in_proj", 1024, 3072],
] as const)("%s", (name, inputs, outputs) =>
  bench.run(async (lab) => {
    const { packedDot, software } = lab.gpu;
    const known = candidates(lab.gpu);
    const input = rotateQuantize(randomFloats(MOST_ROWS * inputs, 1), inputs);
    // Random codes, the same a few rows over and over.
    const some = rotateQuantize(randomFloats(256 * inputs, 2), inputs);
    const weight = lab.memory.storage("weight", "weights", outputs * inputs);
    for (let at = 0; at < outputs * inputs; at += some.codes.length) {
      lab.memory.write(weight, at, some.codes.subarray(0, Math.min(some.codes.length, outputs * inputs - at)));
    }
    const [codes, scales] = [lab.upload(input.codes), lab.upload(input.scales)];
    const weightScales = lab.upload(new Float32Array(outputs).fill(1));
    const bias = lab.upload(new Float32Array(outputs));
    const output = lab.output(MOST_ROWS * outputs * 4);

    const plain = (rows: number): Dispatch => ({
      label: "plain",
      shader: makeShader("plain", [{ name: "plain.wgsl", code: plainCode }]),
      constants: { VECS: inputs / 16, OUTPUTS: outputs },
      bindings: { codes, scales, weight, weight_scales: weightScales, output },
      grid: () => [Math.ceil(outputs / 64), rows, 1],
    });
    const ours = (choices: Partial<Choices>) =>
      linearInt8(
        "ours",
        {
          batch: lab.batch,
          input: { kind: "int8", width: inputs, codes, scales, signs: bias },
          matrix: { kind: "int8", inputs, outputs, codes: weight, scales: weightScales },
          bias,
          output: { kind: "float", width: outputs, values: output },
        },
        { packedDot, software, choices: { ...defaultChoices(lab.gpu), ...choices } },
      );
    const pass = (rows: number) => ({ rows, headRows: 0, position: 0 });
    const budget = outputs * inputs > 1e6 ? 4000 : 1500; // ms
    for (const rows of [1, 2, 4, 8, 16, MOST_ROWS]) {
      const [part, names] =
        rows === 1 ? (["one", known.one] as const) : rows <= 16 ? (["few", known.few] as const) : (["many", known.many] as const);
      await compare(
        `${name}: ${rows} rows, ${inputs} x ${outputs}, on ${lab.gpu.name}`,
        [
          await wayOf(lab, "plain", [[plain(rows)]], pass(rows)),
          ...(await Promise.all(names.map((way) => wayOf(lab, way, [ours({ [part]: way })], pass(rows))))),
        ],
        budget,
      );
    }
    const counts = [1, 2, 4, 8, 16];
    const [one, ...more] = await Promise.all(counts.map((rows) => wayOf(lab, `${rows} rows`, [ours({})], pass(rows))));
    await compare(`${name}: what rows cost`, [one!, ...more], budget);
  }),
);
