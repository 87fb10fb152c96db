export const MAX_BLOCK = 1024;

/** The largest power of two that divides `width`, at most 1,024: the width of a Hadamard block on rows of this width. */
export function hadamardBlock(width: number): number {
  return Math.min(width & -width, MAX_BLOCK);
}

/**
 * How many values of a row of this width the GPU transforms at once, in workgroup memory: whole vectors of codes and whole blocks, in pairs
 * where the last round of the transform has one bit left and still takes values by fours. What lies behind the row is zeros.
 */
export function workspaceSize(width: number): number {
  const block = hadamardBlock(width);
  const unit = Math.max(16, Math.log2(block) % 2 === 0 ? block : 2 * block);
  return Math.min(Math.ceil(width / unit) * unit, MAX_BLOCK);
}

/**
 * Walsh-Hadamard transform of each block of `block` consecutive values, in place, without the factor 1/sqrt(block): applied twice it
 * multiplies by `block`. Sums and differences run in ascending order of index bits and are rounded to f32, as in shaders/lib/hadamard.wgsl.
 */
export function hadamard(values: Float32Array, block: number): void {
  for (let half = 1; half < block; half *= 2) {
    for (let start = 0; start < values.length; start += 2 * half) {
      for (let i = start; i < start + half; i++) {
        const a = values[i] ?? 0;
        const b = values[i + half] ?? 0;
        values[i] = a + b;
        values[i + half] = a - b;
      }
    }
  }
}
