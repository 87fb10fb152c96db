import { drawScores, penalised } from "../speculate/filters";
import { noise } from "../speculate/gumbel";
import type { SamplingParams } from "./sample";

/** The token drawn from the live tokens' logits for this position; `counts` as the kernel has them, and left as they are. */
export function sampleReference(
  logits: Float32Array,
  counts: Uint32Array,
  params: SamplingParams,
  position: number,
  noiseOf = noise, // where it is made for many draws at once
): number {
  const scores = scoresOf(logits, counts, params, position, noiseOf);
  return scores.reduce((best, score, token) => (score > (scores[best] ?? 0) ? token : best), 0);
}

/** All tokens that the filters leave in the order in which they would be drawn, equal scores by the lower token. */
export function candidatesReference(logits: Float32Array, counts: Uint32Array, params: SamplingParams, position: number): number[] {
  const scores = scoresOf(logits, counts, params, position, noise);
  const left = [...scores.keys()].filter((token) => scores[token] !== Number.NEGATIVE_INFINITY);
  return left.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
}

function scoresOf(
  logits: Float32Array,
  counts: Uint32Array,
  params: SamplingParams,
  position: number,
  noiseOf: typeof noise,
): Float32Array {
  return drawScores(
    logits.map((logit, token) => penalised(logit, counts[token] ?? 0, params)),
    params,
    (token) => noiseOf(params.seed, position, token),
  );
}
