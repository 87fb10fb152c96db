// Two draws that agree as often as they can: each takes the largest of log p + noise, and the noise is the same for both.
import { noise } from "../../speculate/gumbel";

/** One row of noise a draw; [draws][tokens]. */
export type Noise = readonly (readonly number[])[];

/** The engine's own noise for so many draws, from the position `from` on, between `tokens` tokens. */
export function noiseRows(seed: bigint, draws: number, tokens: number, from = 0): Noise {
  return Array.from({ length: draws }, (_row, position) =>
    Array.from({ length: tokens }, (_token, token) => noise(seed, from + position, token)),
  );
}

/** The token with the largest log p + noise: a fair draw from the distribution, for noise that is Gumbel's. */
export function draw(distribution: readonly number[], row: readonly number[]): number {
  let best = -1;
  let most = Number.NEGATIVE_INFINITY;
  for (const [token, probability] of distribution.entries()) {
    const score = Math.log(probability) + (row[token] ?? 0);
    if (score <= most) continue;
    best = token;
    most = score;
  }
  return best;
}

/** The share of draws in which both name the same token. */
export function agreement(p: readonly number[], q: readonly number[], ofP: Noise, ofQ: Noise): number {
  return ofP.filter((row, index) => draw(p, row) === draw(q, ofQ[index] ?? [])).length / ofP.length;
}

/**
 * What the share tends to with the same noise: the sum over i of 1 / sum over j of max(p_j / p_i, q_j / q_i). Daliri, Musco and Suresh, "Coupling
 * without communication and drafter-invariant speculative decoding" (2024). All probabilities must be above 0.
 */
export function sharedAgreement(p: readonly number[], q: readonly number[]): number {
  return sum(p, (pi, i) => 1 / sum(p, (pj, j) => Math.max(pj / pi, (q[j] ?? 0) / (q[i] ?? 0))));
}

/** What the share tends to where each has noise of its own. */
export function independentAgreement(p: readonly number[], q: readonly number[]): number {
  return sum(p, (pi, i) => pi * (q[i] ?? 0));
}

function sum(values: readonly number[], term: (value: number, index: number) => number): number {
  return values.reduce((total, value, index) => total + term(value, index), 0);
}
