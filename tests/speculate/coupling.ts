/** How often two distributions agree that draw by argmax of log probability + the same Gumbel noise. */
export function coupledAcceptance(p: ArrayLike<number>, q: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    const [pi = 0, qi = 0] = [p[i], q[i]];
    if (pi === 0 || qi === 0) continue;
    let ratios = 0;
    for (let j = 0; j < p.length; j++) ratios += Math.max((p[j] ?? 0) / pi, (q[j] ?? 0) / qi);
    sum += 1 / ratios;
  }
  return sum;
}

/** Of [0, 1]; one less this is what the best coupling accepts, and so does rejection sampling (Leviathan et al., 2023). */
export function totalVariation(p: ArrayLike<number>, q: ArrayLike<number>): number {
  return Array.from(p).reduce((sum, pi, i) => sum + Math.abs(pi - (q[i] ?? 0)), 0) / 2;
}
