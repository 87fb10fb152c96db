// How often a draft is accepted, in closed form, for a target's probabilities `p` and a drafter's `q` over the same tokens.

/** Where the two draw independently. */
export function independentAcceptance(p: ArrayLike<number>, q: ArrayLike<number>): number {
  return sumOver(p, (i) => (p[i] ?? 0) * (q[i] ?? 0));
}

/** Rejection sampling's, which is the most that any coupling reaches. Leviathan et al., "Fast inference from transformers ..." (2023). */
export function rejectionAcceptance(p: ArrayLike<number>, q: ArrayLike<number>): number {
  return sumOver(p, (i) => Math.min(p[i] ?? 0, q[i] ?? 0));
}

/** Shared Gumbel noise's: the sum over i of 1 / sum over j of max(p_j / p_i, q_j / q_i). Daliri et al., "Coupling without communication" (2025). */
export function gumbelAcceptance(p: ArrayLike<number>, q: ArrayLike<number>): number {
  const ratio = (i: number) => (p[i] ?? 0) / (q[i] ?? 0);
  const held = Array.from(p, (_, i) => i).filter((i) => (p[i] ?? 0) > 0 || (q[i] ?? 0) > 0);
  // By rising p / q, the larger of the two ratios is the second one before a token and the first one after it: one pass in place of one a token.
  const order = held.sort((a, b) => (ratio(a) === ratio(b) ? 0 : ratio(a) - ratio(b)));
  let before = 0; // of q, up to the token itself
  let after = order.reduce((sum, i) => sum + (p[i] ?? 0), 0); // of p
  let accepted = 0;
  for (const i of order) {
    const [pi = 0, qi = 0] = [p[i], q[i]];
    before += qi;
    after = Math.max(0, after - pi);
    if (pi > 0 && qi > 0) accepted += 1 / (before / qi + after / pi);
  }
  return accepted;
}

export function totalVariation(p: ArrayLike<number>, q: ArrayLike<number>): number {
  return sumOver(p, (i) => Math.abs((p[i] ?? 0) - (q[i] ?? 0))) / 2;
}

function sumOver(p: ArrayLike<number>, of: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < p.length; i++) sum += of(i);
  return sum;
}
