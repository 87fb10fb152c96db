// The noise that drafters share with the target. In whole numbers, operation by operation what shaders/lib/noise.wgsl does (which says why),
// so that both sides have the same bits on every device.
import { philox, seedWords } from "./philox";
import { mulHigh } from "./wide";

/** The upper word of the product of an unsigned and a signed word. */
function mulHighSigned(z: number, x: number): number {
  return (mulHigh(z, x >>> 0) - (x < 0 ? z : 0)) | 0;
}

// By rising power of 2x, in units of 2^-30; the polynomial through the Chebyshev nodes of [0, 1].
const logSlopeCoefficients = [
  1073741821, 268436099, 89457501, 33817068, 11773631, 11433554, -9900046, 16440586, -10313634, 3635648,
] as const;

/** -ln(1 - x) / x in units of 2^-30, for x in (0, 1/2] in units of 2^-32; good to 2^-27. */
function logSlope(x: number): number {
  const z = Math.min(x, 0x7fffffff) * 2;
  return logSlopeCoefficients.reduceRight((sum, coefficient) => coefficient + mulHighSigned(z, sum), 0);
}

const ln2 = 46516320; // in units of 2^-26

/** -ln(-ln u) for u = max(word >>> 8, 1) / 2^24, an f32 between -2.82 and 16.64, within 2^-23 or half an f32 step of the exact value. */
export function gumbel(word: number): number {
  const numerator = Math.max(word >>> 8, 1);
  const halves = Math.clz32(numerator) - 8;
  const x = 2 ** 32 - numerator * 2 ** (halves + 8);
  const slope = logSlope(x);
  const zeros = Math.clz32(x);
  const [mantissa, scale] =
    halves > 0 ? [halves * 2 * ln2 + (mulHigh(x, slope) >>> 3), 27] : [mulHigh((x << zeros) >>> 0, slope), 30 + zeros];
  const shift = Math.clz32(mantissa);
  const y = 2 ** 32 - ((mantissa << shift) >>> 0);
  const logLog = (mulHigh(y, logSlope(y)) >>> 4) + (shift + scale - 32) * ln2;
  const size = Math.abs(logLog);
  const drop = 8 - Math.min(8, Math.clz32(size));
  const rounded = ((size + ((1 << drop) >>> 1)) >>> drop) * 2 ** drop;
  return (Math.sign(logLog) * rounded) / 2 ** 26;
}

/** The Gumbel noise of a token at the position where it would stand; the same for the model and for every drafter. */
export function noise(seed: bigint, position: number, token: number): number {
  return gumbel(philox(seedWords(seed), [token >>> 2, position, 0, 0])[token & 3] ?? 0);
}
