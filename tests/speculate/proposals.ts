import { expect } from "vitest";
import type { Candidate } from "../../src/speculate/drafter";

/** What the contract of a drafter asks of every proposal. */
export function expectProposal(proposal: readonly Candidate[]): void {
  const probabilities = proposal.map(({ probability }) => probability);
  expect(new Set(proposal.map(({ token }) => token)).size).toBe(proposal.length);
  expect(probabilities).toEqual(probabilities.toSorted((a, b) => b - a));
  expect(probabilities.every((p) => p > 0 && p <= 1)).toBe(true);
  expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeLessThanOrEqual(1 + 1e-12);
}
