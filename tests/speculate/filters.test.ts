import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { drawScores, type Filters, filteredDistribution, inPrompt, lowestKept, penalised } from "../../src/speculate/filters";
import { mass, massReach, shareOf } from "../../src/speculate/mass";

const off: Filters = { temperature: 1, topK: 0, topP: 1, minP: 0 };
const logs = (...probabilities: number[]) => Float32Array.from(probabilities, Math.log);
const kept = (logits: Float32Array, filters: Filters) => Array.from(filteredDistribution(logits, filters), (p) => Number(p > 0));

describe("penalties", () => {
  const none = { repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0 };

  test("repetition takes from both signs, in prompt and reply", () => {
    const penalties = { ...none, repetitionPenalty: 2 };
    expect(penalised(3, inPrompt, penalties)).toBe(1.5);
    expect(penalised(-3, 1, penalties)).toBe(-6);
    expect(penalised(3, 0, penalties)).toBe(3);
  });

  test("presence and frequency count the reply only", () => {
    const penalties = { ...none, presencePenalty: 0.5, frequencyPenalty: 0.25 };
    expect(penalised(3, inPrompt, penalties)).toBe(3);
    expect(penalised(3, 1, penalties)).toBe(2.25);
    expect(penalised(3, inPrompt + 4, penalties)).toBe(1.5);
  });
});

describe("filters", () => {
  test("top-k keeps ties at the threshold", () => {
    expect(kept(logs(0.1, 0.4, 0.2, 0.2, 0.1), { ...off, topK: 2 })).toEqual([0, 1, 1, 1, 0]);
    expect(kept(logs(0.1, 0.4, 0.2, 0.2, 0.1), { ...off, topK: 5 })).toEqual([1, 1, 1, 1, 1]);
  });

  test("top-p keeps a token if the mass above it is less than p, ties together", () => {
    const logits = logs(0.2, 0.5, 0.2, 0.1);
    expect(kept(logits, { ...off, topP: 0 })).toEqual([0, 1, 0, 0]);
    expect(kept(logits, { ...off, topP: 0.49 })).toEqual([0, 1, 0, 0]);
    expect(kept(logits, { ...off, topP: 0.51 })).toEqual([1, 1, 1, 0]);
    expect(kept(logits, { ...off, topP: 0.89 })).toEqual([1, 1, 1, 0]);
    expect(kept(logits, { ...off, topP: 0.91 })).toEqual([1, 1, 1, 1]);
  });

  test("top-p counts the mass that top-k left, after temperature", () => {
    // Of 0.4, 0.3, 0.2 and 0.1 top-k leaves 0.4 and 0.3: the first alone has 0.571 of that.
    const logits = logs(0.4, 0.3, 0.2, 0.1);
    expect(kept(logits, { ...off, topK: 2, topP: 0.55 })).toEqual([1, 0, 0, 0]);
    expect(kept(logits, { ...off, topK: 2, topP: 0.6 })).toEqual([1, 1, 0, 0]);
    expect(kept(logits, { ...off, temperature: 0.25, topP: 0.7 })).toEqual([1, 0, 0, 0]);
  });

  test("min-p is relative to the best", () => {
    expect(kept(logs(0.4, 0.3, 0.19, 0.11), { ...off, minP: 0.5 })).toEqual([1, 1, 0, 0]);
    expect(kept(logs(0.4, 0.4, 0.2), { ...off, minP: 1 })).toEqual([1, 1, 0]);
  });

  test("the distribution is the softmax of what is left", () => {
    const [a = 0, b = 0, c = 0] = filteredDistribution(logs(0.5, 0.3, 0.2), { ...off, topK: 2 });
    expect(a).toBeCloseTo(0.625, 6);
    expect(b).toBeCloseTo(0.375, 6);
    expect(c).toBe(0);
    expect(Array.from(filteredDistribution(logs(0.3, 0.5, 0.2), { ...off, temperature: 0 }))).toEqual([0, 1, 0]);
  });

  test("whole masses keep what f64 masses keep", () => {
    fc.assert(
      fc.property(
        fc.float32Array({ minLength: 2, maxLength: 60, min: -12, max: 12, noNaN: true }),
        fc.double({ min: 0.05, max: 0.98, noNaN: true }),
        (scores, topP) => {
          const falling = Array.from(scores).sort((a, b) => b - a);
          const total = falling.reduce((sum, x) => sum + Math.exp(x), 0);
          const lowest = lowestKept(scores, { ...off, topP });
          const above = (x: number) => falling.reduce((sum, y) => sum + (y > x ? Math.exp(y) : 0), 0) / total;
          for (const score of scores) {
            // On the edge itself the rounding of the masses may decide.
            if (Math.abs(above(score) - topP) > 1e-6) expect(score >= lowest).toBe(above(score) < topP);
          }
        },
      ),
      { seed: 1, numRuns: 500 },
    );
  });
});

describe("draw scores", () => {
  test("drop what is filtered and add noise to the rest", () => {
    const scores = drawScores(Float32Array.of(1, 4, 2, 3), { ...off, topK: 3, temperature: 0.5 }, (token) => token / 8);
    expect(Array.from(scores)).toEqual([Number.NEGATIVE_INFINITY, 0.125, -3.75, -1.625]);
  });

  test("without temperature there is neither noise nor filter", () => {
    const logits = Float32Array.of(1, 4, 2);
    expect(drawScores(logits, { ...off, topK: 1, temperature: 0 }, () => Number.NaN)).toEqual(logits);
  });
});

describe("masses", () => {
  test("are e^-x in units of 2^-28", () => {
    for (let x = 0; x <= massReach; x = Math.fround(x + 0.00137)) {
      expect(Math.abs(mass(x) - Math.exp(-x) * 2 ** 28)).toBeLessThan(1 + 2 ** 28 * 2 ** -24 * Math.exp(-x));
      expect(mass(x)).toBeGreaterThan(0);
    }
    expect(mass(0)).toBe(2 ** 28 - 1);
  });

  test("a share is rounded up", () => {
    expect(shareOf(100, 0.5)).toBe(50);
    expect(shareOf(101, 0.5)).toBe(51);
    expect(shareOf(2 ** 46 - 1, 0)).toBe(2 ** 22);
    expect(shareOf(2 ** 46 - 1, 1)).toBe(2 ** 46 - 1);
  });
});
