/** What a query got from one chunk of keys. */
export interface ChunkPartial {
  readonly top: number; // the largest score
  readonly total: number; // sum of the weights, e^(score - top)
  readonly mixed: readonly number[]; // sum of the weighted values
}

/** Attention over all of a query's keys from what its chunks gave, in f64. */
export function attentionMergeReference(partials: readonly ChunkPartial[]): number[] {
  const top = Math.max(...partials.map((partial) => partial.top));
  const total = partials.reduce((sum, partial) => sum + partial.total * Math.exp(partial.top - top), 0);
  const width = partials[0]?.mixed.length ?? 0;
  return Array.from(
    { length: width },
    (_, i) => partials.reduce((sum, partial) => sum + (partial.mixed[i] ?? 0) * Math.exp(partial.top - top), 0) / total,
  );
}
