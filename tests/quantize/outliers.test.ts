// What rotation buys: W8A8 with and without it, side by side, on a layer with planted outlier channels. As in models that have them, a few
// channels of the norm in front are scaled up, and the weights that read them down, so that the layer computes what it did.
import { expect, test } from "vitest";
import { Score } from "../../src/cli/score";
import { linearInt8Reference } from "../../src/kernels/linear_int8.reference";
import { quantizeRows, rotateQuantize } from "../../src/quantize/int8";
import { randomFloats } from "../setup/gpu";

const ROWS = 48;
const LOGITS = 256;

/** KL divergence and top-1 agreement of a layer's logits with those of f64, with and without rotation. */
function measure(width: number, factor: number) {
  const norms = new Float32Array(width).fill(1);
  for (const channel of [5, Math.floor(width / 3), width - 20]) norms[channel] = factor;
  // randomFloats has a deviation of 1/3: rows come out of a norm with 1, logits of such a head with about 2.
  const input = randomFloats(ROWS * width, 51).map((x, i) => 3 * x * (norms[i % width] ?? 1));
  const weights = randomFloats(LOGITS * width, 52).map((w, i) => (6 * w) / Math.sqrt(width) / (norms[i % width] ?? 1));
  const exact = (row: number) =>
    Float32Array.from({ length: LOGITS }, (_, output) => {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += (input[row * width + i] ?? 0) * (weights[output * width + i] ?? 0);
      return sum;
    });
  const score = (quantize: typeof rotateQuantize) => {
    const rows = quantize(input.slice(), width);
    const logits = linearInt8Reference(rows, quantize(weights.slice(), width), new Float32Array(LOGITS), width);
    const total = new Score();
    for (let row = 0; row < ROWS; row++) total.add(logits.subarray(row * LOGITS, (row + 1) * LOGITS), 0, exact(row));
    return { divergence: total.divergence / ROWS, agreement: total.agreements / ROWS };
  };
  return { plain: score(quantizeRows), rotated: score(rotateQuantize) };
}

// Blocks of 64 spread an outlier over fewer values than blocks of 1,024.
test.each([
  { width: 576, factor: 30, gain: 10 },
  { width: 576, factor: 100, gain: 10 },
  { width: 576, factor: 1000, gain: 1.5 },
  { width: 1024, factor: 30, gain: 20 },
  { width: 1024, factor: 100, gain: 20 },
  { width: 1024, factor: 1000, gain: 3 },
])("three channels of $width scaled up by $factor: rotation divides the divergence by $gain at least", ({ width, factor, gain }) => {
  const { plain, rotated } = measure(width, factor);
  expect(plain.divergence).toBeGreaterThan(gain * rotated.divergence);
  expect(rotated.agreement).toBeGreaterThan(plain.agreement);
});

test("without outliers both are close to exact, and rotation costs nothing", () => {
  const { plain, rotated } = measure(1024, 1);
  expect(plain.divergence).toBeLessThan(0.0005);
  expect(rotated.divergence).toBeLessThan(0.0005);
});
