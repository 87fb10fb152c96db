/**
 * Causal attention of one query over the keys up to its own position, in f64. `keys` and `values` are one kv head's, [positions, headDim].
 * Returns [headDim].
 */
export function attentionReference(
  query: Float32Array,
  keys: Float32Array,
  values: Float32Array,
  scale: number,
): Float32Array<ArrayBuffer> {
  const width = query.length;
  const count = keys.length / width;
  const scores = Array.from({ length: count }, (_, key) => {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += (query[i] ?? 0) * (keys[key * width + i] ?? 0);
    return sum * scale;
  });
  const top = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - top));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Float32Array.from({ length: width }, (_, i) =>
    weights.reduce((sum, weight, key) => sum + (weight / total) * (values[key * width + i] ?? 0), 0),
  );
}
