/** How likely a chi-square at least this large is by chance, with so many degrees of freedom: the upper incomplete gamma function. */
export function chiSquareP(chiSquare: number, freedom: number): number {
  const a = freedom / 2;
  const x = chiSquare / 2;
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    // The series of the lower one: sum of x^n / (a (a + 1) ... (a + n)).
    let term = 1 / a;
    let sum = term;
    for (let n = 1; term > sum * 1e-15; n++) sum += term *= x / (a + n);
    return 1 - scale * sum;
  }
  // Its continued fraction, from far enough inside outwards.
  let fraction = 0;
  for (let n = 500; n > 0; n--) fraction = (n * (n - a)) / (x + 2 * n + 1 - a - fraction);
  return scale / (x + 1 - a - fraction);
}

/** ln gamma(z) for z > 0: Stirling's series, from where it is exact to a double's last digits. */
function logGamma(z: number): number {
  if (z < 12) return logGamma(z + 1) - Math.log(z);
  const series = 1 / (12 * z) - 1 / (360 * z ** 3) + 1 / (1260 * z ** 5) - 1 / (1680 * z ** 7);
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series;
}

/** Pearson's statistic of counts against probabilities, over those that are not zero; what should never come up makes it infinite. */
export function chiSquareOf(seen: ArrayLike<number>, probabilities: ArrayLike<number>): { readonly p: number; readonly kinds: number } {
  let total = 0;
  for (let i = 0; i < seen.length; i++) total += seen[i]!;
  let chiSquare = 0;
  let kinds = 0;
  for (let i = 0; i < seen.length; i++) {
    const expected = total * probabilities[i]!;
    if (expected > 0) {
      chiSquare += (seen[i]! - expected) ** 2 / expected;
      kinds += 1;
    } else if (seen[i]! > 0) return { p: 0, kinds };
  }
  return { p: chiSquareP(chiSquare, kinds - 1), kinds };
}
