/** Moves kept rows in one head's cache of [positions, width]: what lies at `first` + row of each depth comes to lie at `first` + depth. */
export function kvCommitReference(cache: Float32Array | Int8Array, width: number, first: number, accepted: readonly number[]): void {
  const before = cache.slice();
  accepted.forEach((row, depth) => {
    cache.set(before.subarray((first + row) * width, (first + row + 1) * width), (first + depth) * width);
  });
}
