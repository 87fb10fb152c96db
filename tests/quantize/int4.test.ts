import fc from "fast-check";
import { expect, test } from "vitest";
import { quantizeRowInt4 } from "../../src/quantize/int4";

const row = fc.array(fc.float({ min: -1000, max: 1000, noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 100 });

test("each code is a whole group scale of 1 to 16 times a code of four bits", () => {
  fc.assert(
    fc.property(row, (values) => {
      const codes = new Int8Array(values.length);
      quantizeRowInt4(Float32Array.from(values), codes);
      for (let start = 0; start < codes.length; start += 32) {
        const group = [...codes.subarray(start, start + 32)];
        const scales = Array.from({ length: 16 }, (_, i) => i + 1);
        expect(scales.some((scale) => group.every((code) => code % scale === 0 && Math.abs(code / scale) <= 7))).toBe(true);
      }
    }),
  );
});

test("a value is off by at most half its group's step", () => {
  fc.assert(
    fc.property(row, (values) => {
      const codes = new Int8Array(values.length);
      const scale = quantizeRowInt4(Float32Array.from(values), codes);
      const largest = Math.max(...values.map(Math.abs));
      values.forEach((value, i) => {
        const start = i - (i % 32);
        const most = Math.max(...values.slice(start, start + 32).map(Math.abs));
        // The group's scale is the next whole one, at most one step of 1/16 of the row's above what it needs.
        const step = (most + largest / 16) / 7;
        expect(Math.abs((codes[i] ?? 0) * scale - value)).toBeLessThanOrEqual(step / 2 + 1e-4 * largest + 1e-30); // the least of f32 cannot be halved
      });
    }),
  );
});

test("a row of zeros has scale 1", () => {
  const codes = new Int8Array(40).fill(9);
  expect(quantizeRowInt4(new Float32Array(40), codes)).toBe(1);
  expect(codes.every((code) => code === 0)).toBe(true);
});
