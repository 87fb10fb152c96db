import { expect, test } from "vitest";
import { type LinearInt8, linearInt8 } from "../../src/kernels/linear_int8";
import { linearInt8Reference } from "../../src/kernels/linear_int8.reference";
import { type Choices, candidates, type DeviceTraits, defaultChoices } from "../../src/kernels/policy";
import { type Int8Rows, paddedWidth, rotateQuantize } from "../../src/quantize/int8";
import { type Lab, randomFloats, useGpu } from "../setup/gpu";

const bench = useGpu();

const hardware = { packedDot: true, software: false };
const usual: Choices = defaultChoices(hardware);
const known = candidates(hardware);

interface Variant {
  readonly name: string;
  readonly device: DeviceTraits;
  readonly rows: readonly number[]; // of products that it is there for
}

/** Every variant of a product, as Choices pick it. The kernels are the same whatever the device is called. */
const variants: readonly Variant[] = known.dot.flatMap((dot) => {
  const variant = (name: string, rows: readonly number[], choice: Partial<Choices>): Variant => {
    return { name: `${dot}, ${name}`, rows, device: { ...hardware, choices: { ...usual, dot, ...choice } } };
  };
  return [
    ...(["alone", ...known.one] as const).map((one) => variant(`one row ${one}`, [1], { one })),
    ...(["alone", ...known.few] as const).map((few) => variant(`few rows ${few}`, [2, 3, 5, 16], { few })),
    ...known.many.map((many) => variant(`many rows ${many}`, [37], { many })),
  ];
});

type Extras = Partial<Pick<LinearInt8, "first" | "live">> & {
  readonly bias?: Float32Array<ArrayBuffer>;
  readonly initial?: Float32Array<ArrayBuffer>; // of the output, which is added to
  readonly columns?: number; // of the output; default: as many as the matrix has rows
};

async function int8Product(lab: Lab, rows: Int8Rows, matrix: Int8Rows, width: number, device: DeviceTraits, extras: Extras = {}) {
  const count = rows.scales.length;
  const outputs = matrix.scales.length;
  const { bias, initial, columns = outputs, ...options } = extras;
  const output = initial ? lab.upload(initial) : lab.output(count * columns * 4);
  const step = linearInt8(
    "test",
    {
      batch: lab.batch,
      input: { kind: "int8", width, codes: lab.upload(rows.codes), scales: lab.upload(rows.scales), signs: lab.output(16) },
      matrix: { kind: "int8", inputs: width, outputs, codes: lab.upload(matrix.codes), scales: lab.upload(matrix.scales) },
      bias: lab.upload(bias ?? new Float32Array(columns)),
      output: { kind: "float", width: columns, values: output },
      accumulate: initial !== undefined,
      ...options,
    },
    device,
  );
  const shape = { rows: count, headRows: 0 };
  await lab.pass([step.filter(({ fits }) => fits?.(shape)).slice(0, 1)], shape); // to compile only what is run
  return lab.floats(output, count * columns);
}

/** The rows of codes from one to another, alone. */
function slice(rows: Int8Rows, width: number, from: number, to: number): Int8Rows {
  const stride = paddedWidth(width);
  return { codes: rows.codes.slice(from * stride, to * stride), scales: rows.scales.slice(from, to) };
}

const random = (rows: number, width: number, seed: number) => rotateQuantize(randomFloats(rows * width, seed), width);

/** Integer sums are exact; the one multiply-add may be fused or not, which is at most a rounding apart. */
function expectEqual(actual: Float32Array, expected: Float32Array): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((y, i) => {
    expect(Math.abs(y - (expected[i] ?? Number.NaN))).toBeLessThanOrEqual(2e-7 * Math.max(1, Math.abs(y)));
  });
}

test.each(variants)("INT8 product equals the reference, $name", ({ device, rows: counts }) =>
  bench.run(async (lab) => {
    for (const rows of counts) {
      for (const [width, outputs] of [
        [30, 5],
        [172, 37],
        [1040, 70],
        ...(rows === 1 ? [[8400, 9] as const] : []), // in several turns through workgroup memory
      ] as const) {
        const [x, w] = [random(rows, width, 11), random(outputs, width, 12)];
        const bias = randomFloats(outputs, 13);
        expectEqual(await int8Product(lab, x, w, width, device, { bias }), linearInt8Reference(x, w, bias, width));
      }
    }
  }),
);

test.each(variants)("extreme codes give the exact integer, $name", ({ device, rows: [count = 1] }) =>
  bench.run(async (lab) => {
    const width = 8192;
    const kinds: readonly ((i: number) => number)[] = [
      () => 127,
      () => -127,
      () => 0,
      (i) => (i === 4099 ? 127 : 0), // one huge outlier, after which all else is rounded away
      (i) => (i % 2 === 0 ? 127 : -127),
    ];
    const extremes = (rows: number): Int8Rows => ({
      codes: Int8Array.from({ length: rows * width }, (_, at) => kinds[Math.floor(at / width) % kinds.length]?.(at % width) ?? 0),
      scales: new Float32Array(rows).fill(1),
    });
    const [rows, matrix] = [extremes(count), extremes(kinds.length)];
    const actual = await int8Product(lab, rows, matrix, width, device);
    const expected = linearInt8Reference(rows, matrix, new Float32Array(kinds.length), width);
    expect([...actual].map((y) => y + 0)).toEqual([...expected].map((y) => y + 0));
  }),
);

test("a row's product has the same bits alone, in any batch, in any variant, and added to a residual", () =>
  bench.run(async (lab) => {
    const [rows, width, outputs] = [35, 768, 70];
    const [x, w] = [random(rows, width, 14), random(outputs, width, 15)];
    const residual = randomFloats(rows * outputs, 16);
    const together = await int8Product(lab, x, w, width, hardware, { initial: residual });
    for (const { device, rows: counts } of variants) {
      for (const count of counts[0] === 37 ? [35] : counts) {
        const from = (rows - count) >> 1;
        const initial = residual.slice(from * outputs, (from + count) * outputs);
        const part = await int8Product(lab, slice(x, width, from, from + count), w, width, device, { initial });
        expect(part).toEqual(together.slice(from * outputs, (from + count) * outputs));
      }
    }
  }));

test.each([1, 3, 40])("%i rows: a matrix in two parts fills one output, and rows past the live ones are left alone", (rows) =>
  bench.run(async (lab) => {
    const [width, outputs, cut, live] = [64, 90, 50, 27];
    const [x, w] = [random(rows, width, 17), random(outputs, width, 18)];
    const bias = randomFloats(outputs, 19);
    const whole = linearInt8Reference(x, w, bias, width);
    const untouched = await lab.floats(lab.output(4), 1);
    const lower = slice(w, width, cut, outputs);
    const actual = await int8Product(lab, x, lower, width, hardware, { bias, columns: outputs, first: cut, live });
    expectEqual(
      actual,
      whole.map((y, at) => (at % outputs >= cut && at % outputs < cut + live ? y : (untouched[0] ?? Number.NaN))),
    );
  }),
);

test("more inputs than INT32 has room for are refused", () =>
  bench.run(async (lab) => {
    const buffer = lab.output(16);
    const width = 133_152;
    const linear = (inputs: number): LinearInt8 => ({
      batch: lab.batch,
      input: { kind: "int8", width: inputs, codes: buffer, scales: buffer, signs: buffer },
      matrix: { kind: "int8", inputs, outputs: 1, codes: buffer, scales: buffer },
      bias: buffer,
      output: { kind: "float", width: 1, values: buffer },
    });
    expect(() => linearInt8("test", linear(width), hardware)).toThrow(/overflow/);
    expect(() => linearInt8("test", linear(133_144), hardware)).not.toThrow();
    expect(133_144 * 127 * 127).toBeLessThan(2 ** 31);
  }));
