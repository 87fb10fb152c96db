import fc from "fast-check";
import { expect, test } from "vitest";
import { type LinearInt8, linearInt8, MAX_INPUTS } from "../../src/kernels/linear_int8";
import { linearInt8Reference } from "../../src/kernels/linear_int8.reference";
import { type Choices, candidates, type DeviceTraits, defaultChoices } from "../../src/kernels/policy";
import { rmsNorm } from "../../src/kernels/rms_norm";
import type { FloatRows, Int8Rows as RowsInInt8 } from "../../src/kernels/tensors";
import { type Int8Rows, paddedWidth, rotateQuantize } from "../../src/quantize/int8";
import { type Lab, randomFloats, traits, useGpu } from "../setup/gpu";
import { int8Rows } from "./rows";

const bench = useGpu();

const { gpu: hardware } = traits;
const usual: Choices = defaultChoices(hardware);
const known = candidates(hardware);

const ROWS = 35;

interface Variant {
  readonly name: string;
  readonly device: DeviceTraits;
  readonly rows: readonly number[]; // of products that it is there for
}

/**
 * Every way of sharing a product out, as Choices pick them, and every count of rows that has a pipeline of its own, but not each with each. The
 * kernels are the same whatever the device is called.
 */
const variants: readonly Variant[] = ([...known.dot, "masked"] as const).flatMap((dot, i) => {
  const variant = (name: string, rows: readonly number[], choice: Partial<Choices>): Variant => {
    return { name: `${dot}, ${name}`, rows, device: { ...hardware, choices: { ...usual, dot, ...choice } } };
  };
  const [one, few, many] = i === 0 ? [known.one, known.few, known.many] : [[usual.one], [usual.few], [usual.many]];
  return [
    ...(["alone", ...one] as const).map((name) => variant(`one row ${name}`, [1], { one: name })),
    ...(["alone", ...few] as const).map((name) => {
      const isUsual = name === "alone" || (i === 0 && name === usual.few); // in software or on a GPU
      return variant(`few rows ${name}`, isUsual ? [2, 3, 5, 16] : [3], { few: name });
    }),
    ...many.map((name) => variant(`many rows ${name}`, [ROWS], { many: name })),
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

const floatRows = (values: GPUBuffer, width: number): FloatRows => ({ kind: "float", width, values });

const random = (rows: number, width: number, seed: number) => rotateQuantize(randomFloats(rows * width, seed), width);

/** The rows of codes from one to another, alone. */
function slice(rows: Int8Rows, width: number, from: number, to: number): Int8Rows {
  const stride = paddedWidth(width);
  return { codes: rows.codes.slice(from * stride, to * stride), scales: rows.scales.slice(from, to) };
}

/** Codes at their limits: by themselves the largest sums, and with one another the smallest and none. */
const extremes: readonly ((i: number) => number)[] = [
  () => 127,
  () => -127,
  () => 0,
  (i) => (i === 4099 ? 127 : 0), // one huge outlier, after which all else is rounded away
  (i) => (i % 2 === 0 ? 127 : -127),
];

/** The first rows put at their limits. */
function withExtremes(rows: Int8Rows, width: number): Int8Rows {
  extremes.slice(0, rows.scales.length).forEach((code, row) => {
    for (let i = 0; i < width; i++) rows.codes[row * paddedWidth(width) + i] = code(i);
    rows.scales[row] = 1;
  });
  return rows;
}

/** Integer sums are exact; the one multiply-add may be fused or not, which is at most a rounding apart. */
function expectEqual(actual: Float32Array, expected: Float32Array, least = 2e-7): void {
  expect(actual.length).toBe(expected.length);
  const off = actual.findIndex((y, i) => !(Math.abs(y - (expected[i] ?? Number.NaN)) <= Math.max(least, 2e-7 * Math.abs(y))));
  if (off >= 0) expect([off, actual[off]]).toEqual([off, expected[off]]);
}

// Widths and outputs that nothing divides, wide enough for several turns through workgroup memory, and rows that are more than one tile.
const [WIDTH, OUTPUTS] = [8390, 70];
const [X, W] = [random(ROWS, WIDTH, 11), random(OUTPUTS, WIDTH, 12)].map((rows) => withExtremes(rows, WIDTH)) as [Int8Rows, Int8Rows];
const BIAS = randomFloats(OUTPUTS, 13);
const EXPECTED = linearInt8Reference(X, W, BIAS, WIDTH);
let first: Float32Array | undefined; // what some variant made of all rows

test.each(variants)("$name: what the reference says, with the bits that any variant gives in any batch", ({ device, rows: counts }) =>
  bench.run(async (lab) => {
    const product = (count: number, from: number, on: DeviceTraits) =>
      int8Product(lab, slice(X, WIDTH, from, from + count), W, WIDTH, on, { bias: BIAS });
    first ??= await product(ROWS, 0, { packedDot: true, software: true });
    for (const count of counts) {
      // Few rows: those at their limits, and random ones in the middle.
      for (const from of count === ROWS ? [0] : [0, (ROWS - count) >> 1]) {
        const part = await product(count, from, device);
        expectEqual(part, EXPECTED.slice(from * OUTPUTS, (from + count) * OUTPUTS));
        expect(part.every((y, i) => y === first?.[from * OUTPUTS + i])).toBe(true);
      }
    }
  }),
);

test.each(known.many)("more rows and outputs than two tiles have, by %s", (many) =>
  bench.run(async (lab) => {
    const [rows, width, outputs] = [130, 80, 130];
    const [x, w] = [random(rows, width, 27), random(outputs, width, 28)];
    const bias = randomFloats(outputs, 29);
    const actual = await int8Product(lab, x, w, width, { ...hardware, choices: { ...usual, many } }, { bias });
    expectEqual(actual, linearInt8Reference(x, w, bias, width));
  }),
);

test.each([1, 3, ROWS])("%i rows of fewer inputs than threads", (rows) =>
  bench.run(async (lab) => {
    const [width, outputs] = [30, 5];
    const [x, w] = [random(rows, width, 15), random(outputs, width, 16)];
    const bias = randomFloats(outputs, 17);
    expectEqual(await int8Product(lab, x, w, width, hardware, { bias }), linearInt8Reference(x, w, bias, width));
  }),
);

test.each([1, 3, ROWS])(
  "%i rows: a part of a matrix is added to a part of an output, and outputs past the live ones are left alone",
  (rows) =>
    bench.run(async (lab) => {
      const [width, outputs, cut, live] = [64, 90, 50, 27];
      const [x, w] = [random(rows, width, 18), random(outputs, width, 19)];
      const bias = randomFloats(outputs, 20);
      const residual = randomFloats(rows * outputs, 21);
      const whole = linearInt8Reference(x, w, bias, width);
      const lower = slice(w, width, cut, outputs);
      const actual = await int8Product(lab, x, lower, width, hardware, { bias, initial: residual, columns: outputs, first: cut, live });
      const isLive = (at: number) => at % outputs >= cut && at % outputs < cut + live;
      expectEqual(
        actual,
        residual.map((y, at) => (isLive(at) ? y + (whole[at] ?? Number.NaN) : y)),
        4e-6, // a rounding of what the residual may have cancelled
      );
      expect(actual.every((y, at) => isLive(at) || y === residual[at])).toBe(true);
    }),
);

test("workgroups make every output of every row, none in vain, in whatever numbers", () => {
  const buffer = {} as GPUBuffer; // nothing is run
  const sizes = fc.record({
    rows: fc.integer({ min: 1, max: 700 }),
    inputs: fc.integer({ min: 1, max: 20_000 }),
    outputs: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 600_000 })),
    live: fc.double({ min: 0, max: 1, noNaN: true }), // the share of outputs that is wanted
    norm: fc.boolean(),
    variant: fc.constantFrom(...variants),
  });
  fc.assert(
    fc.property(sizes, ({ rows, inputs, outputs, variant, norm, ...share }) => {
      const live = Math.max(1, Math.round(share.live * outputs));
      const input = { kind: "int8", width: inputs, codes: buffer, scales: buffer, signs: buffer } as const;
      const floats = floatRows(buffer, inputs);
      const step = linearInt8(
        "test",
        {
          batch: buffer,
          input: norm ? { ...input, norm: { input: floats, weight: buffer, epsilon: 1e-5 } } : input,
          matrix: { kind: "int8", inputs, outputs, codes: buffer, scales: buffer },
          bias: buffer,
          output: floatRows(buffer, outputs),
          live,
        },
        variant.device,
      );
      const shape = { rows, headRows: 0 };
      const dispatch = step.find(({ fits }) => fits?.(shape))!;
      const { TILE, ROWS: count = 1, WORKGROUP = 0, LANES = 1, REPEAT = 0 } = dispatch.constants;
      const [down, across] = dispatch.shader.name === "linear_tiles" ? [TILE!, TILE!] : [count, ((4 * WORKGROUP) / LANES) * REPEAT];
      expect(dispatch.grid(shape)).toEqual([Math.ceil(rows / down), Math.ceil(live / across), 1]);
      expect(Math.max(...dispatch.grid(shape))).toBeLessThanOrEqual(65_535);
    }),
    { seed: 7, numRuns: 400 },
  );
});

test("the widest sums fit INT32, and wider ones are refused", () =>
  bench.run(async (lab) => {
    const at = (width: number) => withExtremes({ codes: new Int8Array(2 * paddedWidth(width)), scales: new Float32Array(2) }, width);
    const [x, w] = [at(MAX_INPUTS), at(MAX_INPUTS)];
    const sum = MAX_INPUTS * 127 * 127;
    expect(sum).toBeLessThan(2 ** 31);
    const rounded = Math.fround(sum);
    expect([...(await int8Product(lab, x, w, MAX_INPUTS, hardware))]).toEqual([rounded, -rounded, -rounded, rounded]);
    const wider = at(MAX_INPUTS + 8);
    expect(sum + 8 * 127 * 127).toBeGreaterThanOrEqual(2 ** 31);
    await expect(int8Product(lab, wider, wider, MAX_INPUTS + 8, hardware)).rejects.toThrow(/overflow/);
  }));

// Widths of blocks of 4, of one workspace, and of two.
test.each([172, 1024, 1536])("a row of %i that a product norms itself gives the bits of one that is normed apart", (width) =>
  bench.run(async (lab) => {
    const [rows, outputs] = [3, 37];
    const input = floatRows(lab.upload(randomFloats(rows * width, 23)), width);
    const norm = { input, weight: lab.upload(randomFloats(width, 24)), epsilon: 1e-5 };
    const w = random(outputs, width, 25);
    const matrix = { kind: "int8", inputs: width, outputs, codes: lab.upload(w.codes), scales: lab.upload(w.scales) } as const;
    const common = { batch: lab.batch, matrix, bias: lab.upload(randomFloats(outputs, 26)), head: true };
    const shape = { rows, headRows: 1 };
    const run = async (codes: RowsInInt8, folded: boolean) => {
      const output = floatRows(lab.output(outputs * 4), outputs);
      const device = { ...hardware, choices: { ...usual, one: "lanes16" as const } };
      const normed = rmsNorm("norm", { batch: lab.batch, ...norm, output: codes, head: true, folded }, device);
      const [product] = linearInt8("test", { ...common, input: folded ? { ...codes, norm } : codes, output }, device);
      await lab.pass([[normed], [product!]], shape);
      return lab.floats(output.values, outputs);
    };
    const [apart, unused] = [int8Rows(lab, 1, width), int8Rows(lab, 1, width)];
    expect(await run(unused, true)).toEqual(await run(apart, false));
    const pattern = await lab.bytes(lab.output(paddedWidth(width)), width);
    expect(await lab.bytes(unused.codes, width)).toEqual(pattern);
    expect(await lab.bytes(apart.codes, width)).not.toEqual(pattern);
  }),
);
