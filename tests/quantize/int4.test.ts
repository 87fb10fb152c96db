import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { expandInt4, int4CodeBytes, int4GroupBytes, quantizeRowInt4, rotateQuantizeInt4 } from "../../src/quantize/int4";
import { paddedWidth, rotateRows } from "../../src/quantize/int8";

const finite = { noNaN: true, noDefaultInfinity: true } as const;
const row = fc.float32Array({ ...finite, min: -1000, max: 1000, minLength: 1, maxLength: 300 });

function quantised(values: Float32Array) {
  const codes = new Int8Array(values.length).fill(99);
  const groups = new Uint8Array(Math.ceil(values.length / 32)).fill(99);
  const scale = quantizeRowInt4(values, codes, groups);
  return { codes, groups, scale };
}

/** The squared error of a row whose groups have scales that let every value through, rounded up. */
function plainError(values: Float32Array): number {
  const most = (some: Float32Array) => some.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0);
  const step = most(values) / 112;
  let error = 0;
  for (let start = 0; start < values.length; start += 32) {
    const group = values.subarray(start, start + 32);
    const size = Math.max(1, Math.ceil(most(group) / (7 * step) - 1e-9)) * step;
    for (const x of group) error += (x - Math.round(x / size) * size) ** 2;
  }
  return error;
}

describe("quantising a row", () => {
  test("codes are from -7 to 7, groups have whole scales of 1 to 16, so that no product of the two leaves INT8", () => {
    fc.assert(
      fc.property(row, (values) => {
        const { codes, groups, scale } = quantised(values);
        expect(codes.every((code) => Math.abs(code) <= 7)).toBe(true);
        expect(groups.every((group) => group >= 1 && group <= 16)).toBe(true);
        expect(scale).toBeGreaterThanOrEqual(0);
        expect(Math.fround(scale)).toBe(scale);
      }),
    );
  });

  test("the error is never above that of scales that just fit", () => {
    fc.assert(
      fc.property(row, (values) => {
        fc.pre(values.some((x) => Math.abs(x) > 1e-3));
        const { codes, groups, scale } = quantised(values);
        const error = values.reduce((sum, x, i) => sum + (x - (codes[i] ?? 0) * (groups[i >> 5] ?? 0) * scale) ** 2, 0);
        // The scale is rounded to f32 when all is chosen.
        const rounding = 2 ** -22 * Math.hypot(...values);
        expect(Math.sqrt(error)).toBeLessThanOrEqual(Math.sqrt(plainError(values)) + rounding);
      }),
    );
  });

  test("on normal values it saves a tenth of that error and more", () => {
    let [searched, plain] = [0, 0];
    for (let seed = 1; seed <= 20; seed++) {
      const values = Float32Array.from({ length: 256 }, (_, i) => {
        const uniform = (salt: number) => (((Math.sin(seed * 131 + i * 12.9898 + salt) * 43_758.5453) % 1) + 1) % 1;
        return Math.sqrt(-2 * Math.log(1 - uniform(0))) * Math.cos(2 * Math.PI * uniform(7));
      });
      const { codes, groups, scale } = quantised(values);
      searched += values.reduce((sum, x, i) => sum + (x - (codes[i] ?? 0) * (groups[i >> 5] ?? 0) * scale) ** 2, 0);
      plain += plainError(values);
    }
    expect(searched).toBeLessThan(0.9 * plain);
  });

  test("a row of zeros has scale 1 and codes of 0, whatever was there", () => {
    expect(quantised(new Float32Array(40))).toEqual({ codes: new Int8Array(40), groups: Uint8Array.of(1, 1), scale: 1 });
  });

  test("a factor that was left out of the values goes into the scale and leaves codes and groups alone", () => {
    const values = Float32Array.from({ length: 100 }, (_, i) => Math.sin(i));
    const [codes, groups] = [new Int8Array(100), new Uint8Array(4)];
    const scale = quantizeRowInt4(values, codes, groups, 1 / 8);
    expect({ codes, groups, scale: scale * 8 }).toEqual(quantised(values));
  });
});

/** A row's codes and scales read word by word, as shaders/lib/weights_int4.wgsl has them. */
function read(codes: Uint8Array, groups: Uint8Array, width: number) {
  const word = (bytes: Uint8Array, i: number) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(4 * i, true);
  return {
    codes: Array.from({ length: width }, (_, i) => {
      const eight = word(codes, i >> 3);
      const four = (i & 4) === 0 ? eight : eight >>> 4;
      return ((four >>> (8 * (i & 3))) & 15) - 8;
    }),
    groups: Array.from({ length: Math.ceil(width / 32) }, (_, i) => ((word(groups, i >> 3) >>> (4 * (i & 7))) & 15) + 1),
  };
}

describe("packed rows", () => {
  const width = fc.constantFrom(1, 7, 16, 30, 33, 64, 172, 257, 576);
  const rows = fc
    .tuple(width, fc.integer({ min: 1, max: 3 }))
    .chain(([inputs, count]) =>
      fc.tuple(
        fc.constant(inputs),
        fc.float32Array({ ...finite, min: -10, max: 10, minLength: inputs * count, maxLength: inputs * count }),
      ),
    );

  test("hold what quantising made of each rotated row, in the shader's order, and zeros behind it", () => {
    fc.assert(
      fc.property(rows, ([inputs, values]) => {
        const rotated = values.slice();
        const unit = rotateRows(rotated, inputs);
        const packed = rotateQuantizeInt4(values.slice(), inputs);
        const [codeBytes, groupBytes] = [int4CodeBytes(inputs), int4GroupBytes(inputs)];
        expect(codeBytes % 8).toBe(0);
        expect(groupBytes % 4).toBe(0);
        packed.scales.forEach((scale, i) => {
          const [codes, groups] = [new Int8Array(inputs), new Uint8Array(Math.ceil(inputs / 32))];
          expect(scale).toBe(quantizeRowInt4(rotated.subarray(i * inputs, (i + 1) * inputs), codes, groups, unit));
          const bytes = packed.codes.subarray(i * codeBytes, (i + 1) * codeBytes);
          const stored = read(bytes, packed.groups.subarray(i * groupBytes, (i + 1) * groupBytes), inputs);
          expect(stored).toEqual({ codes: [...codes], groups: [...groups] });
          expect(
            read(bytes, new Uint8Array(64), codeBytes * 2)
              .codes.slice(inputs)
              .every((code) => code === 0),
          ).toBe(true);
        });
      }),
    );
  });

  test("expand to INT8 codes: each code times its group's scale", () => {
    fc.assert(
      fc.property(rows, ([inputs, values]) => {
        const packed = rotateQuantizeInt4(values, inputs);
        const { codes, scales } = expandInt4(packed, inputs);
        const stride = paddedWidth(inputs);
        expect(scales).toEqual(packed.scales);
        for (let i = 0; i < scales.length; i++) {
          const bytes = packed.codes.subarray(i * int4CodeBytes(inputs));
          const stored = read(bytes, packed.groups.subarray(i * int4GroupBytes(inputs)), inputs);
          const expected = Array.from({ length: stride }, (_, at) => (stored.codes[at] ?? 0) * (stored.groups[at >> 5] ?? 0) + 0);
          expect([...codes.subarray(i * stride, (i + 1) * stride)]).toEqual(expected);
        }
      }),
    );
  });
});
