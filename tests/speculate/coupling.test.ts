// What shared noise is worth: how often two distributions that draw by the same noise agree.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { drawScores, filteredDistribution } from "../../src/speculate/filters";
import { noise } from "../../src/speculate/gumbel";
import { philox } from "../../src/speculate/philox";
import { coupledAcceptance, totalVariation } from "./coupling";
import { rules } from "./toy";

const argmax = (scores: ArrayLike<number>) => Array.from(scores).reduce((best, score, i, all) => (score > all[best]! ? i : best), 0);
const draw = (logits: Float32Array, seed: bigint, position: number, filters = rules) =>
  argmax(drawScores(logits, filters, (token) => noise(seed, position, token)));

/** Logits from a key, and the same with errors of their own. */
const logitsOf = (key: number, size: number, spread: number) =>
  Float32Array.from(
    { length: size },
    (_, token) => (philox([key, 0], [token, 0, 0, 0]).reduce((sum, word) => sum + word / 2 ** 32, 0) - 2) * spread * Math.sqrt(3),
  );
const sumOf = (a: Float32Array, b: Float32Array) => a.map((value, i) => value + b[i]!);

describe("the closed form", () => {
  test("is that of the paper's examples", () => {
    expect(coupledAcceptance([0.5, 0.3, 0.2], [0.2, 0.3, 0.5])).toBeCloseTo(0.631, 3);
    expect(coupledAcceptance([0.1, 0.9], [0.1, 0.9])).toBeCloseTo(1, 12);
    expect(coupledAcceptance([1, 0], [0, 1])).toBe(0);
  });

  test("is at least (1 - TV) / (1 + TV), and at most 1 - TV, which no coupling can beat", () => {
    const distribution = fc
      .array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 })
      .filter((masses) => masses.some((mass) => mass > 0.01))
      .map((masses) => masses.map((mass) => mass / masses.reduce((a, b) => a + b, 0)));
    fc.assert(
      fc.property(distribution, distribution, (p, q) => {
        const tv = totalVariation(p, q);
        const acceptance = coupledAcceptance(p, q);
        expect(acceptance).toBeGreaterThanOrEqual((1 - tv) / (1 + tv) - 1e-9);
        expect(acceptance).toBeLessThanOrEqual(1 - tv + 1e-9);
      }),
      { seed: 1, numRuns: 1000 },
    );
  });

  // Filters and temperature are part of both distributions: what is measured is what the engine draws.
  test.each([
    { temperature: 0.1, error: 0.5 },
    { temperature: 0.7, error: 0.5 },
    { temperature: 1, error: 0.5 },
    { temperature: 1, error: 2 },
    { temperature: 1.5, error: 1 },
    { temperature: 1, error: 1, topK: 5 },
    { temperature: 1, error: 1, topP: 0.8 },
    { temperature: 1, error: 1, minP: 0.1 },
  ])("is what draws with shared noise come to: %o", ({ error, ...changed }) => {
    const how = { ...rules, ...changed };
    const target = logitsOf(1, 24, 2);
    const drafter = sumOf(target, logitsOf(2, 24, error));
    const [p, q] = [filteredDistribution(target, how), filteredDistribution(drafter, how)];
    const count = 20_000;
    let agreed = 0;
    for (let position = 0; position < count; position++)
      agreed += Number(draw(target, 5n, position, how) === draw(drafter, 5n, position, how));
    const expected = coupledAcceptance(p, q);
    expect(Math.abs(agreed / count - expected)).toBeLessThan(4 * Math.sqrt((expected * (1 - expected)) / count) + 1e-4);
    const tv = totalVariation(p, q);
    expect(agreed / count).toBeGreaterThan((1 - tv) / (1 + tv) - 4 * Math.sqrt(0.25 / count));
  });
});

describe("a random number from 1 to 10", () => {
  const even = new Float32Array(10);
  const agreement = (seed: bigint) => {
    let agreed = 0;
    for (let position = 0; position < 10_000; position++) agreed += Number(draw(even, 1n, position) === draw(even, seed, position));
    return agreed / 10_000;
  };

  test("drawn twice is the same one time in ten", () => {
    expect(Math.abs(agreement(2n) - 0.1)).toBeLessThan(4 * Math.sqrt(0.09 / 10_000));
  });

  test("drawn twice with shared noise is the same every time", () => {
    expect(agreement(1n)).toBe(1);
  });

  test("is each number equally often", () => {
    const counts = new Float64Array(10);
    for (let position = 0; position < 10_000; position++) counts[draw(even, 1n, position)]!++;
    const chiSquare = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(27.9); // of 9 degrees of freedom, one time in a thousand
  });
});
