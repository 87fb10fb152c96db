import fc from "fast-check";
import { expect, test } from "vitest";
import { applySigns, SIGNS, signBits } from "../../src/quantize/signs";

// Weights in packages were rotated with these very bits, so they may never change under the same name.
test("the bits named fmix32 are these", () => {
  expect(SIGNS).toBe("fmix32");
  const first = [8, 64, 172, 1024].map((width) => [...signBits(width).subarray(0, 2)]);
  expect(first).toEqual([[0x31], [0x8649db27, 0x39de01dd], [0xc3b9571d, 0x0ad7ae88], [0x4d003a0b, 0x7d86e838]]);
  expect(signBits(4608).at(-1)).toBe(0x55a214d2);
});

/** The finaliser of MurmurHash3 in 64-bit whole numbers, where no step can depend on how a platform handles 32 bits. */
function topBit(seed: bigint): number {
  const word = (x: bigint) => BigInt.asUintN(32, x);
  let h = word(seed);
  h = word((h ^ (h >> 16n)) * 0x85ebca6bn);
  h = word((h ^ (h >> 13n)) * 0xc2b2ae35n);
  h ^= h >> 16n;
  return Number(h >> 31n);
}

test("each bit is the top one of the hash of width and index", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 16_384 }).chain((width) => fc.tuple(fc.constant(width), fc.nat(width - 1))),
      ([width, i]) => {
        const bit = ((signBits(width)[i >>> 5] ?? 0) >>> (i & 31)) & 1;
        expect(bit).toBe(topBit(BigInt(width) * 0x9e3779b9n + BigInt(i)));
      },
    ),
  );
});

test("about half of the values are negated, in every row width and in every stretch of 64", () => {
  for (const width of [576, 768, 1024, 1536, 4608]) {
    const bits = signBits(width);
    const ones = Array.from({ length: width }, (_, i) => ((bits[i >>> 5] ?? 0) >>> (i & 31)) & 1);
    const count = (from: number, to: number) => ones.slice(from, to).reduce((a, b) => a + b, 0);
    // Four and five standard deviations of a fair coin.
    expect(Math.abs(count(0, width) - width / 2)).toBeLessThan(2 * Math.sqrt(width));
    for (let i = 0; i < width; i += 64) expect(Math.abs(count(i, i + 64) - 32)).toBeLessThan(20);
  }
});

test("different widths have different signs, and no bit is set behind the row", () => {
  expect(signBits(1024).subarray(0, 16)).not.toEqual(signBits(512));
  for (const width of [1, 30, 172]) expect((signBits(width).at(-1) ?? 0) >>> (width % 32)).toBe(0);
});

test("signs applied twice leave the row as it was", () => {
  fc.assert(
    fc.property(fc.float32Array({ minLength: 1, maxLength: 200, noNaN: true }), (values) => {
      const bits = signBits(values.length);
      const once = values.slice();
      applySigns(once, bits);
      once.forEach((x, i) => {
        expect(x).toBe((((bits[i >>> 5] ?? 0) >>> (i & 31)) & 1) === 1 ? -(values[i] ?? 0) : values[i]);
      });
      applySigns(once, bits);
      expect(once).toEqual(values);
    }),
  );
});
