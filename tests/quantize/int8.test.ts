import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_INPUTS } from "../../src/kernels/linear_int8";
import { paddedWidth, quantizeRow, rotateQuantize, roundAway, unrotate } from "../../src/quantize/int8";

const finite = { noNaN: true, noDefaultInfinity: true } as const;

/** A row whose largest value is neither tiny nor huge, so that its square is a normal f32. */
const row = (width: number) =>
  fc.float32Array({ ...finite, min: -1000, max: 1000, minLength: width, maxLength: width }).filter((x) => largest(x) > 1e-3);

const width = fc.constantFrom(1, 7, 16, 30, 64, 172, 576, 1024, 1536);

function largest(values: Iterable<number>): number {
  return [...values].reduce((most, x) => Math.max(most, Math.abs(x)), 0);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, x, i) => sum + x * (b[i] ?? Number.NaN), 0);
}

function norm(a: ArrayLike<number>): number {
  return Math.sqrt(dot(a, a));
}

describe("rounding half away from zero", () => {
  test.each([
    [0.5, 1],
    [-0.5, -1],
    [1.5, 2],
    [-1.5, -2],
    [2.5, 3],
    [-2.5, -3],
    [126.5, 127],
    [-126.5, -127],
    [0.25, 0],
    [-0.25, -0],
    [0, 0],
    [3, 3],
    // The largest f32 below a half: in f32 its sum with a half is 1, on the GPU as here.
    [0.499_999_97, 1],
    [-0.499_999_97, -1],
    [0.499_999_94, 0],
  ])("%f becomes %f", (x, expected) => {
    expect(roundAway(Math.fround(x))).toBe(expected);
  });

  test("is odd, and never further than a half from the value", () => {
    fc.assert(
      fc.property(fc.float({ ...finite, min: -127, max: 127 }), (x) => {
        expect(roundAway(-x)).toBe(-roundAway(x));
        expect(Math.abs(roundAway(x) - x)).toBeLessThanOrEqual(0.5 + 2 ** -17);
      }),
    );
  });
});

describe("quantising a row", () => {
  test("codes lie in [-127, 127], the largest value's code at an end, and stand for their values within half a step", () => {
    fc.assert(
      fc.property(fc.float32Array({ ...finite, min: -(2 ** 100), max: 2 ** 100, minLength: 1, maxLength: 100 }), (values) => {
        fc.pre(largest(values) > 2 ** -100);
        const codes = new Int8Array(values.length);
        const scale = quantizeRow(values, codes);
        expect(largest(codes)).toBe(127);
        values.forEach((x, i) => {
          const apart = Math.abs((codes[i] ?? Number.NaN) * scale - x);
          expect(apart).toBeLessThanOrEqual(scale * 0.5001);
        });
      }),
    );
  });

  test("a row of zeros has scale 1, and its codes are zero whatever was there", () => {
    const codes = new Int8Array(8).fill(77);
    expect(quantizeRow(new Float32Array(8), codes)).toBe(1);
    expect(codes).toEqual(new Int8Array(8));
  });

  test("a factor that was left out of the values goes into the scale and leaves the codes alone", () => {
    const values = Float32Array.from([1, -2, 3.5, 127]);
    const [plain, scaled] = [new Int8Array(4), new Int8Array(4)];
    expect(quantizeRow(values, plain)).toBe(1);
    expect(quantizeRow(values, scaled, 1 / 8)).toBe(1 / 8);
    expect(scaled).toEqual(plain);
    expect([...plain]).toEqual([1, -2, 4, 127]);
  });
});

describe("rotated rows", () => {
  test("rows are padded with zeros to whole vectors of 16, and no code is -128", () => {
    fc.assert(
      fc.property(
        width.chain((width) => fc.tuple(row(width), row(width))),
        ([first, second]) => {
          const stride = paddedWidth(first.length);
          expect(stride % 16).toBe(0);
          expect(stride - first.length).toBeLessThan(16);
          const { codes, scales } = rotateQuantize(Float32Array.of(...first, ...second), first.length);
          expect([codes.length, scales.length]).toEqual([2 * stride, 2]);
          for (const at of [0, stride]) {
            expect(largest(codes.subarray(at, at + first.length))).toBe(127);
            expect(codes.subarray(at + first.length, at + stride).every((code) => code === 0)).toBe(true);
          }
        },
      ),
    );
  });

  test("turned back they are close to what they were: each row within half a step a value", () => {
    fc.assert(
      fc.property(width.chain(row), (values) => {
        const rows = rotateQuantize(values.slice(), values.length);
        const back = unrotate(rows, values.length);
        const error = norm(back.map((x, i) => x - (values[i] ?? Number.NaN)));
        // The rotation keeps norms, so the error's norm is that of the codes' errors.
        expect(error).toBeLessThanOrEqual(0.5001 * (rows.scales[0] ?? 0) * Math.sqrt(values.length));
      }),
    );
  });

  test("products stay what they were, within what rounding to codes allows", () => {
    fc.assert(
      fc.property(
        width.chain((width) => fc.tuple(row(width), row(width))),
        ([x, w]) => {
          const [a, b] = [rotateQuantize(x.slice(), x.length), rotateQuantize(w.slice(), w.length)];
          const [scaleA = 0, scaleB = 0] = [...a.scales, ...b.scales];
          const product = dot(a.codes, b.codes) * scaleA * scaleB;
          // |(x + d)(w + e) - xw| <= |d||w| + |e||x| + |d||e|, with |d| at most half a step a value.
          const error = (scale: number) => 0.5001 * scale * Math.sqrt(x.length);
          const bound = error(scaleA) * norm(w) + error(scaleB) * norm(x) + error(scaleA) * error(scaleB);
          expect(Math.abs(product - dot(x, w))).toBeLessThanOrEqual(bound);
        },
      ),
    );
  });

  test("an outlier costs the other values far less than without rotation", () => {
    const values = Float32Array.from({ length: 1024 }, (_, i) => Math.sin(i * 12.9898));
    values[100] = 1000;
    const [scale = 0] = rotateQuantize(values.slice(), 1024).scales;
    expect(quantizeRow(values, new Int8Array(1024)) / scale).toBeGreaterThan(20);
  });

  test("a row of zeros stays one, and the rows beside it are not touched by it", () => {
    const values = new Float32Array(3 * 30);
    values.fill(1, 0, 30).fill(-2, 60);
    const { codes, scales } = rotateQuantize(values.slice(), 30);
    expect(scales[1]).toBe(1);
    expect(codes.subarray(32, 64)).toEqual(new Int8Array(32));
    const alone = rotateQuantize(values.slice(60), 30);
    expect(codes.subarray(64)).toEqual(alone.codes);
    expect(scales[2]).toBe(alone.scales[0]);
  });
});

test("no sum of products overflows INT32 at the widest layer allowed, and one input more could", () => {
  expect(MAX_INPUTS * 127 * 127).toBeLessThan(2 ** 31);
  expect((MAX_INPUTS + 1) * 127 * 127).toBeGreaterThanOrEqual(2 ** 31);
});
