// What stands between logits and a draw. The target samples by these rules on the GPU (shaders/sample.wgsl), and a drafter must by the same
// ones, over all tokens or a few candidates, or the noise they share is wasted.
import { mass, massReach, shareOf } from "./mass";

const { fround, max } = Math;

/** The names and the values that switch off are those of Hugging Face's `generate`, which also sets the order. */
export interface Filters {
  readonly temperature: number; // 0: the best token, without noise and filters
  readonly topK: number; // 0: off
  readonly topP: number; // 1: off
  readonly minP: number; // 0: off
}

export interface Penalties {
  readonly repetitionPenalty: number; // 1: off; counts prompt and reply
  readonly presencePenalty: number; // 0: off; counts the reply only
  readonly frequencyPenalty: number; // 0: off; counts the reply only
}

/** How the target draws, which every draft must follow. */
export interface Draws extends Filters, Penalties {
  readonly seed: bigint;
}

/** A count says how often a token is in the reply; this bit of it, whether it is in the prompt. */
export const inPrompt = 0x80000000;

/** A logit after the penalties for a token with this count. Repetition: Keskar et al., "CTRL" (2019); the others as in OpenAI's API. */
export function penalised(logit: number, count: number, penalties: Penalties): number {
  if (count === 0) return logit;
  const { repetitionPenalty, presencePenalty, frequencyPenalty } = penalties;
  const repeated = fround(logit * fround(logit > 0 ? 1 / repetitionPenalty : repetitionPenalty));
  const times = (count & ~inPrompt) >>> 0;
  const present = fround(repeated - (times > 0 ? fround(presencePenalty) : 0));
  return fround(present - fround(frequencyPenalty) * times);
}

/** What logits are multiplied by, in f32; 0 for the draw without noise, which a temperature below 1e-6 is too. */
export function inverseTemperature(temperature: number): number {
  return temperature < 1e-6 ? 0 : fround(1 / temperature);
}

/** How far below the best a scaled score may be, in f32 and negative; finite when min-p is off, as WGSL has no infinity. */
export function logMinP(minP: number): number {
  return minP > 0 ? max(fround(Math.log(minP)), -1e38) : -1e38;
}

/**
 * The lowest scaled score that top-k, top-p and min-p keep; equal scores are kept or dropped together, and the best is always kept. Top-p counts
 * what top-k left, and keeps a token if the mass strictly above it is less than the share `topP`.
 */
export function lowestKept(scores: Float32Array, { topK, topP, minP }: Filters): number {
  const falling = scores.slice().sort().reverse();
  const best = falling[0] ?? 0;
  let lowest = (topK > 0 && topK < falling.length ? falling[topK - 1] : undefined) ?? Number.NEGATIVE_INFINITY;
  if (topP < 1) {
    const reach = max(lowest, fround(best - massReach));
    const masses: number[] = [];
    for (const score of falling) {
      if (score < reach) break;
      masses.push(mass(fround(best - score)));
    }
    let missing = shareOf(
      masses.reduce((sum, part) => sum + part, 0),
      topP,
    );
    lowest = falling[masses.findIndex((part) => (missing -= part) <= 0)] ?? best;
  }
  return max(lowest, fround(best + logMinP(minP)));
}

/** Scores as they are drawn by: the largest wins, ties to the lower index. `noiseOf` an index is asked for only where it matters. */
export function drawScores(logits: Float32Array, filters: Filters, noiseOf: (index: number) => number): Float32Array<ArrayBuffer> {
  const inverse = inverseTemperature(filters.temperature);
  if (inverse === 0) return logits.slice();
  const scores = logits.map((logit) => logit * inverse);
  const best = scores.reduce((most, score) => max(most, score));
  const lowest = lowestKept(scores, filters);
  return scores.map((score, index) => (score < lowest ? Number.NEGATIVE_INFINITY : fround(score - best) + noiseOf(index)));
}

/** The probabilities that `drawScores` draws by, in f64; zero where a filter drops a token. At temperature 0 the best has them all. */
export function filteredDistribution(logits: Float32Array, filters: Filters): Float64Array<ArrayBuffer> {
  const probabilities = new Float64Array(logits.length);
  const inverse = inverseTemperature(filters.temperature);
  const scores = inverse === 0 ? logits : logits.map((logit) => logit * inverse);
  const best = scores.reduce((most, score) => max(most, score));
  if (inverse === 0) {
    probabilities[scores.indexOf(best)] = 1;
    return probabilities;
  }
  const lowest = lowestKept(scores, filters);
  const masses = Float64Array.from(scores, (score) => (score < lowest ? 0 : Math.exp(score - best)));
  const total = masses.reduce((sum, part) => sum + part, 0);
  return probabilities.map((_, index) => (masses[index] ?? 0) / total);
}
