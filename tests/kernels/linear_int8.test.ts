import { describe, expect, test } from "vitest";
import { linearInt8 } from "../../src/kernels/linear_int8";
import { linearInt8Reference } from "../../src/kernels/linear_int8.reference";
import type { DeviceTraits } from "../../src/kernels/policy";
import { type Int8Rows, paddedWidth, rotateQuantize } from "../../src/quantize/int8";
import { type Lab, randomFloats, useGpu } from "../setup/gpu";

const bench = useGpu();

const devices: readonly DeviceTraits[] = [
  { packedDot: true, software: true },
  { packedDot: true, software: false },
  { packedDot: false, software: true },
  { packedDot: false, software: false },
];

async function int8Product(
  lab: Lab,
  rows: Int8Rows,
  matrix: Int8Rows,
  width: number,
  device: DeviceTraits,
  options: { bias?: Float32Array<ArrayBuffer>; initial?: Float32Array<ArrayBuffer> } = {},
): Promise<Float32Array> {
  const count = rows.scales.length;
  const outputs = matrix.scales.length;
  const output = options.initial ? lab.upload(options.initial) : lab.output(count * outputs * 4);
  const step = linearInt8(
    "test",
    {
      batch: lab.batch,
      input: { kind: "int8", width, codes: lab.upload(rows.codes), scales: lab.upload(rows.scales), signs: lab.output(16) },
      matrix: { kind: "int8", inputs: width, outputs, codes: lab.upload(matrix.codes), scales: lab.upload(matrix.scales) },
      bias: lab.upload(options.bias ?? new Float32Array(outputs)),
      output: { kind: "float", width: outputs, values: output },
      accumulate: options.initial !== undefined,
    },
    device,
  );
  await lab.pass([step], { rows: count, headRows: 0 });
  return lab.floats(output, count * outputs);
}

/** The rows of codes from one to another, alone. */
function slice(rows: Int8Rows, width: number, from: number, to: number): Int8Rows {
  const stride = paddedWidth(width);
  return { codes: rows.codes.slice(from * stride, to * stride), scales: rows.scales.slice(from, to) };
}

describe.each(devices)("INT8 product, packedDot $packedDot, software $software", (device) => {
  test.each([
    [1, 64, 64],
    [1, 172, 37],
    [2, 30, 5],
    [5, 256, 130],
    [16, 576, 66],
    [37, 1024, 17],
  ])("%i rows, %i inputs, %i outputs equal the reference", (rows, width, outputs) =>
    bench.run(async (lab) => {
      const x = rotateQuantize(randomFloats(rows * width, 11), width);
      const w = rotateQuantize(randomFloats(outputs * width, 12), width);
      const bias = randomFloats(outputs, 13);
      const actual = await int8Product(lab, x, w, width, device, { bias });
      // Integer sums are exact; the one multiply-add may be fused or not, which is at most a rounding apart.
      const expected = linearInt8Reference(x, w, bias, width);
      actual.forEach((y, i) => {
        expect(Math.abs(y - (expected[i] ?? Number.NaN))).toBeLessThanOrEqual(2e-7 * Math.max(1, Math.abs(y)));
      });
    }),
  );

  test("extreme codes give the exact integer", () =>
    bench.run(async (lab) => {
      const width = 8192;
      const ones = new Float32Array(4).fill(1);
      const codes = (row: number) => new Int8Array(width).fill([127, -127, 0, 1][row] ?? 0);
      const rows = { codes: Int8Array.from([0, 1, 2, 3].flatMap((row) => [...codes(row)])), scales: ones };
      const actual = await int8Product(lab, rows, rows, width, device);
      const expected = [127, -127, 0, 1].flatMap((a) => [127, -127, 0, 1].map((b) => Math.fround(a * b * width)));
      expect([...actual].map((y) => y + 0)).toEqual(expected.map((y) => y + 0));
    }));
});

test(
  "a row's product has the same bits alone, in any batch, in any variant, and added to a residual",
  () =>
    bench.run(async (lab) => {
      const [rows, width, outputs] = [19, 768, 50];
      const x = rotateQuantize(randomFloats(rows * width, 14), width);
      const w = rotateQuantize(randomFloats(outputs * width, 15), width);
      const residual = randomFloats(rows * outputs, 16);
      const [first = devices[0]] = devices;
      if (!first) throw new Error("no device");
      const together = await int8Product(lab, x, w, width, first, { initial: residual });
      for (const device of devices) {
        for (const count of [1, 2, 3, 5, 8, 16]) {
          for (let from = 0; from < rows; from += count) {
            const to = Math.min(rows, from + count);
            const initial = residual.slice(from * outputs, to * outputs);
            const part = await int8Product(lab, slice(x, width, from, to), w, width, device, { initial });
            expect(part).toEqual(together.slice(from * outputs, to * outputs));
          }
        }
      }
    }),
  60_000,
);
