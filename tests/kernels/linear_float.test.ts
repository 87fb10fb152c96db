import { describe, expect, test } from "vitest";
import { type LinearFloat, linearFloat } from "../../src/kernels/linear_float";
import { linearFloatReference } from "../../src/kernels/linear_float.reference";
import type { FloatType } from "../../src/kernels/tensors";
import { narrowToBF16, widen } from "../../src/quantize/floats";
import { type Lab, randomFloats, useGpu } from "../setup/gpu";

const bench = useGpu();

const encode: Record<FloatType, (values: Float32Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>> = {
  F32: (values) => new Uint8Array(values.buffer),
  BF16: (values) => new Uint8Array(narrowToBF16(values).buffer),
  F16: (values) => {
    const bytes = new Uint8Array(values.length * 2);
    const view = new DataView(bytes.buffer);
    values.forEach((x, i) => {
      view.setUint16(2 * i, toHalf(x), true);
    });
    return bytes;
  },
};

/** Normal halves only, truncated: the test needs values that are halves, not a converter. */
function toHalf(x: number): number {
  const bits = new Uint32Array(new Float32Array([x]).buffer)[0] ?? 0;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  return exponent <= 0 ? 0 : ((bits >>> 16) & 0x8000) | (exponent << 10) | ((bits >>> 13) & 0x3ff);
}

describe.each([
  ["F32", true],
  ["F16", true],
  ["BF16", true],
  ["BF16", false],
] as const)("%s product, software %s", (type, software) => {
  const product = async (lab: Lab, x: Float32Array<ArrayBuffer>, weight: Uint8Array<ArrayBuffer>, bias: Float32Array<ArrayBuffer>) => {
    const outputs = bias.length;
    const inputs = weight.length / { F32: 4, F16: 2, BF16: 2 }[type] / outputs;
    const rows = x.length / inputs;
    const output = lab.output(rows * outputs * 4);
    const linear: LinearFloat = {
      batch: lab.batch,
      input: { kind: "float", width: inputs, values: lab.upload(x) },
      matrix: { kind: "float", type, inputs, outputs, weight: lab.upload(weight) },
      bias: lab.upload(bias),
      output: { kind: "float", width: outputs, values: output },
    };
    const step = linearFloat("test", linear, { packedDot: true, software });
    const shape = { rows, headRows: 0 };
    await lab.pass([step.filter(({ fits }) => fits?.(shape)).slice(0, 1)], shape); // to compile only what is run
    return lab.floats(output, rows * outputs);
  };

  test.each([
    [1, 64, 64],
    [3, 172, 37],
    [19, 256, 130],
  ])("%i rows, %i inputs, %i outputs", (rows, inputs, outputs) =>
    bench.run(async (lab) => {
      const x = randomFloats(rows * inputs, 21);
      const weight = encode[type](randomFloats(outputs * inputs, 22));
      const bias = randomFloats(outputs, 23);
      const expected = linearFloatReference(x, widen(weight, type), bias);
      const actual = await product(lab, x, weight, bias);
      actual.forEach((y, i) => {
        expect(Math.abs(y - (expected[i] ?? Number.NaN))).toBeLessThanOrEqual(2e-6 * Math.sqrt(inputs));
      });
    }),
  );

  test("a row has the same bits alone and in a batch of 1 to 16", () =>
    bench.run(async (lab) => {
      const [rows, inputs, outputs] = [16, 172, 20];
      const x = randomFloats(rows * inputs, 24);
      const weight = encode[type](randomFloats(outputs * inputs, 25));
      const bias = randomFloats(outputs, 26);
      const together = await product(lab, x, weight, bias);
      for (const count of [1, 2, 3, 5, 8]) {
        for (let from = 0; from + count <= rows; from += count) {
          const part = await product(lab, x.slice(from * inputs, (from + count) * inputs), weight, bias);
          expect(part).toEqual(together.slice(from * outputs, (from + count) * outputs));
        }
      }
    }));
});
