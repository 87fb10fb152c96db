// Twin of shaders/lib/mass.wgsl: what top-p adds up, in whole numbers, so that sums are exact in any order.
import { mulHigh } from "./wide";

/** A score this far below the best and further has no mass. */
export const massReach = 19;

/** e^-distance in units of 2^-28, from 1 to 2^28 - 1; `distance` is an f32 of at most `massReach`, give or take its rounding. */
export function mass(distance: number): number {
  const powers = mulHigh(Math.trunc(distance * 2 ** 26), 0xb8aa3b29); // log2(e) * distance in units of 2^-25
  const z = ~(powers << 7) >>> 0;
  let p = 2661018 + mulHigh(z, 469564);
  for (const coefficient of [20796632, 119143746, 515890973, 1488521704, 2147483653]) p = coefficient + mulHigh(z, p);
  return (Math.min(p, 2 ** 32 - 1) >>> 0) >>> (4 + (powers >>> 25));
}

/** The least whole number that is not below total * share, with share taken to units of 2^-24 and at least one of them. */
export function shareOf(total: number, share: number): number {
  const product = BigInt(total) * BigInt(shareUnits(share));
  return Number((product + 0xffffffn) >> 24n);
}

/** A share of (0, 1) in units of 2^-24. */
export function shareUnits(share: number): number {
  return Math.max(1, Math.round(Math.fround(share) * 2 ** 24));
}
