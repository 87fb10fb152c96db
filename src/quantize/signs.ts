/** Names the sequence of signs, for a package to say which one its weights were rotated with. */
export const SIGNS = "fmix32";

/**
 * Random signs for rows of `width` values, one bit a value, set where the value is negated; bit i % 32 of word i / 32.
 * Depends on nothing but the width, so that weights and activations agree without storing anything. Each bit is the top bit of the
 * MurmurHash3 finaliser (Appleby 2011) of the value's index, seeded by the width.
 */
export function signBits(width: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(width / 32));
  for (let i = 0; i < width; i++) {
    const bit = fmix32(Math.imul(width, 0x9e3779b9) + i) >>> 31;
    words[i >>> 5] = (words[i >>> 5] ?? 0) | (bit << (i & 31));
  }
  return words;
}

/** Negates the values whose bit is set, in place. */
export function applySigns(values: Float32Array, bits: Uint32Array): void {
  for (let i = 0; i < values.length; i++) {
    if ((((bits[i >>> 5] ?? 0) >>> (i & 31)) & 1) === 1) values[i] = -(values[i] ?? 0);
  }
}

function fmix32(seed: number): number {
  let h = seed | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
