import { mulHigh } from "./wide";

export type Words2 = readonly [number, number];
export type Words4 = readonly [number, number, number, number];

/** The two unsigned words of a 64-bit seed, low word first. */
export function seedWords(seed: bigint): Words2 {
  return [Number(BigInt.asUintN(32, seed)), Number(BigInt.asUintN(32, seed >> 32n))];
}

/**
 * Philox 4x32-10: four pseudorandom words for each counter under a key, all unsigned. Twin of philox in shaders/lib/noise.wgsl. Source: Salmon
 * et al., "Parallel random numbers: as easy as 1, 2, 3" (2011).
 */
export function philox([key0, key1]: Words2, counter: Words4): Words4 {
  let [c0, c1, c2, c3] = counter;
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(0xd2511f53, c0);
    const high1 = mulHigh(0xcd9e8d57, c2);
    const low0 = Math.imul(0xd2511f53, c0);
    const low1 = Math.imul(0xcd9e8d57, c2);
    c0 = (high1 ^ c1 ^ (key0 + Math.imul(round, 0x9e3779b9))) >>> 0;
    c1 = low1 >>> 0;
    c2 = (high0 ^ c3 ^ (key1 + Math.imul(round, 0xbb67ae85))) >>> 0;
    c3 = low0 >>> 0;
  }
  return [c0, c1, c2, c3];
}
