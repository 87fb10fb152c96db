import { expect, test } from "vitest";
import { logSumExp, Score } from "../../src/cli/score";

const logs = (...probabilities: readonly number[]) => Float32Array.from(probabilities, (p) => Math.log(p) + 3);

test("logSumExp neither overflows nor loses small terms", () => {
  expect(logSumExp(Float32Array.of(1000, 1000))).toBeCloseTo(1000 + Math.LN2, 12);
  expect(logSumExp(Float32Array.of(-1000, -1000, -1000))).toBeCloseTo(-1000 + Math.log(3), 12);
});

test("sums what the tested model pays for the tokens that came", () => {
  const score = new Score();
  score.add(logs(0.25, 0.75), 0, null);
  score.add(logs(0.5, 0.5), 1, null);
  expect(score.tokens).toBe(2);
  expect(score.nats).toBeCloseTo(Math.log(4) + Math.log(2), 6);
  expect(score.divergence).toBe(0);
});

test("compares with a reference: KL(reference || tested) and the first choice", () => {
  const score = new Score();
  score.add(logs(0.4, 0.6), 0, logs(0.8, 0.2));
  expect(score.divergence).toBeCloseTo(0.8 * Math.log(0.8 / 0.4) + 0.2 * Math.log(0.2 / 0.6), 6);
  expect(score.referenceNats).toBeCloseTo(-Math.log(0.8), 6);
  expect(score.agreements).toBe(0);
  score.add(logs(0.6, 0.4), 0, logs(0.8, 0.2));
  expect(score.agreements).toBe(1);
});

test("a model does not diverge from itself, and ties go to the first", () => {
  const score = new Score();
  score.add(logs(0.4, 0.4, 0.2), 0, logs(0.4, 0.4, 0.2));
  expect(score.divergence).toBe(0);
  expect(score.agreements).toBe(1);
});
