/** One head's vector after the norm and the turn that rope_append gives it, in f64, before it is stored. */
export function ropeHeadReference(
  head: Float32Array,
  norm: { readonly weight: Float32Array; readonly epsilon: number } | null,
  angles: readonly (readonly [cosine: number, sine: number])[], // of the head's position, one a pair
): Float32Array<ArrayBuffer> {
  const mean = head.reduce((sum, x) => sum + x * x, 0) / head.length;
  const normed = Array.from(head, (x, i) => (norm ? (x / Math.sqrt(mean + norm.epsilon)) * (norm.weight[i] ?? 0) : x));
  const half = angles.length;
  const output = Float32Array.from(normed);
  angles.forEach(([cosine, sine], i) => {
    const a = normed[i] ?? 0;
    const b = normed[i + half] ?? 0;
    output[i] = a * cosine - b * sine;
    output[i + half] = b * cosine + a * sine;
  });
  return output;
}

/** A position's turns, one a pair, from its rows of rope_append's table: [pairs, 2] each. */
export function ropeTurnsReference(coarse: Float32Array, fine: Float32Array): readonly (readonly [cosine: number, sine: number])[] {
  return Array.from({ length: fine.length / 2 }, (_, pair) => {
    const [a = 0, b = 0] = coarse.subarray(2 * pair);
    const [c = 0, d = 0] = fine.subarray(2 * pair);
    return [a * c - b * d, b * c + a * d] as const;
  });
}
