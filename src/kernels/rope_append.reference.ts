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
