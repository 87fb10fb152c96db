import { type Candidate, MAX_CANDIDATES } from "./drafter";

/**
 * Candidates out of contexts from the longest to the shortest: the probabilities of each leave some over, and that is what the next one shares out.
 * Contexts are asked for only until hardly anything is left. Returns at most MAX_CANDIDATES, by falling probability.
 */
export function blend(contexts: Iterable<readonly Candidate[]>): Candidate[] {
  const shares = new Map<number, number>();
  let left = 1;
  for (const candidates of contexts) {
    let given = 0;
    for (const { token, probability } of candidates) {
      shares.set(token, (shares.get(token) ?? 0) + left * probability);
      given += probability;
    }
    left *= Math.max(0, 1 - given);
    if (left < 0.02) break;
  }
  return Array.from(shares, ([token, probability]) => ({ token, probability }))
    .sort((a, b) => b.probability - a.probability || a.token - b.token)
    .slice(0, MAX_CANDIDATES);
}
