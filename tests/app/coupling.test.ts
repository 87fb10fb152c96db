// What the explanation shows is true: it is measured with the engine's noise, and held to what theory says.
import { expect, test } from "vitest";
import { agreement, draw, independentAgreement, noiseRows, sharedAgreement } from "../../src/app/speculation/coupling";

const DRAWS = 4000;
const shared = noiseRows(7n, DRAWS, 10);
const other = noiseRows(8n, DRAWS, 10);
const even = Array.from({ length: 10 }, () => 0.1);
const favouring = (share: number) => even.map((_, index) => (index === 6 ? share : (1 - share) / 9));
const within = (share: number) => 4 * Math.sqrt((share * (1 - share)) / DRAWS); // four standard errors

test("a number from 1 to 10: apart one time in ten, together always", () => {
  expect(independentAgreement(even, even)).toBeCloseTo(0.1, 12);
  expect(Math.abs(agreement(even, even, shared, other) - 0.1)).toBeLessThan(within(0.1));
  expect(agreement(even, even, shared, shared)).toBe(1);
  expect(sharedAgreement(even, even)).toBeCloseTo(1, 12);
});

test.each([
  [0.1, 0.2],
  [0.3, 0.5],
  [0.9, 0.15],
])("favouring one number by %f and %f: what is measured is what the closed forms say", (a, b) => {
  const [p, q] = [favouring(a), favouring(b)];
  const together = sharedAgreement(p, q);
  const apart = independentAgreement(p, q);
  expect(Math.abs(agreement(p, q, shared, shared) - together)).toBeLessThan(within(together));
  expect(Math.abs(agreement(p, q, shared, other) - apart)).toBeLessThan(within(apart));
  const distance = p.reduce((sum, pi, i) => sum + Math.abs(pi - q[i]!) / 2, 0);
  expect(together).toBeGreaterThanOrEqual((1 - distance) / (1 + distance));
  expect(together).toBeLessThanOrEqual(1 - distance + 1e-12); // No two draws of any kind agree more often.
});

test("draws follow their distribution", () => {
  const p = favouring(0.5);
  const share = shared.filter((row) => draw(p, row) === 6).length / DRAWS;
  expect(Math.abs(share - 0.5)).toBeLessThan(within(0.5));
});
