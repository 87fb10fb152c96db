import type { Candidate } from "./drafter";

/** What has followed the last `length` tokens of a text. */
export interface Context {
  readonly length: number; // tokens; at least one
  readonly total: number; // the weight of all that followed
  readonly next: readonly { readonly token: number; readonly weight: number }[];
}

const MOST_CANDIDATES = 4;
const DOUBT = 6; // the weight of what a context of one token has not seen; of n tokens, an n-th of that

/**
 * Candidates from several contexts, the longest first, each leaving to the shorter ones what it doubts. In the manner of Witten and Bell, "The
 * zero-frequency problem" (1991), but long contexts are rarely wrong however seldom they came.
 */
export function weigh(contexts: Iterable<Context>): readonly Candidate[] {
  const found = new Map<number, number>();
  let left = 1;
  for (const { length, total, next } of contexts) {
    const all = total + DOUBT / length;
    for (const { token, weight } of next) found.set(token, (found.get(token) ?? 0) + (left * weight) / all);
    left *= DOUBT / length / all;
  }
  return Array.from(found, ([token, probability]) => ({ token, probability }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, MOST_CANDIDATES);
}
