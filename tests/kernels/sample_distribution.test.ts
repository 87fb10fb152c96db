import { describe, expect, test } from "vitest";
import type { SamplingParams } from "../../src/kernels/sample";
import { inPrompt } from "../../src/speculate/filters";
import { chiSquareOf, chiSquareP } from "../setup/chi_square";
import { randomFloats, useGpu } from "../setup/gpu";
import { penalties, plain, randomCounts, sampler } from "./sampler";

const bench = useGpu();

/** Penalties, temperature and filters written out once more, in f64 and without the code under test. */
function exactDistribution(logits: ArrayLike<number>, counts: Uint32Array, params: SamplingParams): Float64Array {
  const scores = Array.from(logits, (logit, token) => {
    const count = counts[token]!;
    const times = count % inPrompt;
    const repeated = count === 0 ? logit : logit > 0 ? logit / params.repetitionPenalty : logit * params.repetitionPenalty;
    return (repeated - (times > 0 ? params.presencePenalty : 0) - params.frequencyPenalty * times) / params.temperature;
  });
  const falling = scores.map((score, token) => ({ token, mass: Math.exp(score) })).sort((a, b) => b.mass - a.mass);
  const best = falling[0]!.mass;
  const left = params.topK > 0 ? falling.slice(0, params.topK) : falling;
  const leftMass = left.reduce((sum, { mass }) => sum + mass, 0);
  let above = 0; // mass
  const kept = left.filter(({ mass }) => {
    const isKept = above < params.topP * leftMass && mass >= params.minP * best;
    above += mass;
    return isKept;
  });
  const total = kept.reduce((sum, { mass }) => sum + mass, 0);
  const probabilities = new Float64Array(logits.length);
  for (const { token, mass } of kept) probabilities[token] = mass / total;
  return probabilities;
}

describe("draws follow the filtered softmax (chi-square)", () => {
  test("its p-values are those of the tables", () => {
    for (const [chiSquare, freedom, p] of [
      [3.841, 1, 0.05],
      [27.877, 9, 0.001],
      [54.572, 39, 0.05],
      [26.509, 40, 0.95],
    ] as const) {
      expect(chiSquareP(chiSquare, freedom)).toBeCloseTo(p, 4);
    }
    expect(chiSquareOf([50, 49, 1], [0.5, 0.5, 0]).p).toBe(0);
  });

  const vocabulary = 40;
  const rows = 10_000;
  const row = randomFloats(vocabulary, 10).map((x) => x * 3);

  test.for<{ name: string; setting: Partial<SamplingParams>; draws: number; kinds: number }>([
    { name: "no filter", setting: {}, draws: 10_000, kinds: 40 },
    { name: "top-k", setting: { temperature: 0.7, topK: 12 }, draws: 10_000, kinds: 12 },
    { name: "top-p", setting: { topP: 0.9 }, draws: 10_000, kinds: 23 },
    { name: "min-p", setting: { temperature: 1.5, minP: 0.2 }, draws: 10_000, kinds: 16 },
    {
      name: "all filters and penalties",
      setting: { ...penalties, temperature: 1.3, topK: 30, topP: 0.97, minP: 0.03 },
      draws: 100_000,
      kinds: 27,
    },
  ])("$draws with $name", ({ setting, draws, kinds }, { annotate }) =>
    bench.run(async (lab) => {
      const params = { ...plain, ...setting, seed: 99n };
      const logits = Float32Array.from({ length: rows * vocabulary }, (__, i) => row[i % vocabulary]!);
      const counts = randomCounts(vocabulary);
      const source = sampler(lab, { logits, vocabulary, counts, params });
      const seen = new Float64Array(vocabulary);
      for (let drawn = 0; drawn < draws; drawn += rows) for (const token of await source.draw(3 + drawn)) seen[token]!++;
      expect(seen.reduce((sum, count) => sum + count, 0)).toBe(draws);

      const found = chiSquareOf(seen, exactDistribution(row, counts, params));
      await annotate(`p = ${found.p.toFixed(3)}`);
      expect(found.kinds).toBe(kinds);
      expect(found.p).toBeGreaterThan(0.001);
      // The test would notice a temperature that is a little off.
      const wrong = { ...params, temperature: params.temperature * (1 + 15 / Math.sqrt(draws)) };
      expect(chiSquareOf(seen, exactDistribution(row, counts, wrong)).p).toBeLessThan(1e-4);
    }),
  );
});
