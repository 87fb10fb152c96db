/** Reproducible uniform INT8 codes from -127 to 127; `seed` is not 0. */
export function randomCodes(length: number, seed = 0x5eed): Int8Array<ArrayBuffer> {
  let state = seed;
  return Int8Array.from({ length }, () => {
    // xorshift32 (Marsaglia 2003)
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 8) % 255) - 127;
  });
}

/** Reproducible uniform values from -1 to 1. */
export function randomFloats(length: number, seed?: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(randomCodes(length, seed), (code) => code / 127);
}
