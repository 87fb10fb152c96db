import { expect, test } from "vitest";
import { gumbel, noise } from "../../src/speculate/gumbel";

const largest = 2 ** 24 - 1;

/** In f64, and exact near 1 too, where ln u loses its digits. */
function exactGumbel(numerator: number): number {
  const u = numerator / 2 ** 24;
  return -Math.log(u > 0.5 ? -Math.log1p(u - 1) : -Math.log(u));
}

test("the ends of the uniform are finite, and zero counts as one", () => {
  expect(gumbel(0)).toBeCloseTo(-Math.log(24 * Math.LN2), 6);
  expect(gumbel(0xff)).toBe(gumbel(0));
  expect(gumbel(0x1ff)).toBe(gumbel(0));
  expect(gumbel(0x200)).toBeGreaterThan(gumbel(0));
  expect(gumbel(0xffffffff)).toBeCloseTo(24 * Math.LN2, 5);
});

test("is -ln(-ln u) to 2^-23 or half an f32 step, and never falls", () => {
  const step = 59; // odd, so that low bits of every kind are met; the ends are gone through one by one
  let before = Number.NEGATIVE_INFINITY;
  let worst = 0; // in units of what is allowed
  for (let numerator = 1; numerator <= largest; numerator += numerator < 5000 || numerator > largest - 5000 ? 1 : step) {
    const value = gumbel(numerator * 256);
    const exact = exactGumbel(numerator);
    const allowed = Math.max(2 ** -23, 2 ** (Math.floor(Math.log2(Math.abs(exact))) - 24) + 2 ** -24);
    worst = Math.max(worst, Math.abs(value - exact) / allowed);
    if (value < before || Math.fround(value) !== value) throw new Error(`${numerator}: ${value} after ${before}`);
    before = value;
  }
  expect(worst).toBeLessThan(1);
});

test("depends on seed, position and token alone, and on all of them", () => {
  expect(noise(7n, 100, 5)).toBe(noise(7n, 100, 5));
  const others = [
    noise(7n, 100, 5),
    noise(8n, 100, 5),
    noise(7n + 2n ** 32n, 100, 5),
    noise(7n, 101, 5),
    noise(7n, 100, 6),
    noise(7n, 100, 9),
  ];
  expect(new Set(others).size).toBe(others.length);
});

test("has the mean and the variance of the Gumbel distribution", () => {
  const count = 50_000;
  const values = Array.from({ length: count }, (_, i) => noise(42n, i >> 5, i & 31));
  const mean = values.reduce((a, b) => a + b, 0) / count;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / count;
  expect(Math.abs(mean - 0.5772156649)).toBeLessThan((4 * 1.2825) / Math.sqrt(count));
  expect(Math.abs(variance - Math.PI ** 2 / 6)).toBeLessThan(0.06);
});

// Were the position added to the seed, the noise of seed s + 1 would be that of s, a position on; and adding one may carry into the upper word.
test.each([1234n, 0n, 2n ** 32n - 1n].flatMap((seed) => [-1, 0, 1].map((shift) => ({ seed, shift }))))(
  "seeds s and s + 1 are uncorrelated: s = $seed, $shift positions apart",
  ({ seed, shift }) => {
    const count = 40_000;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const position = 1 + (i >> 6);
      sum += (noise(seed, position, i & 63) - 0.5772) * (noise(seed + 1n, position + shift, i & 63) - 0.5772);
    }
    const correlation = sum / count / (Math.PI ** 2 / 6);
    expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(count));
  },
);
