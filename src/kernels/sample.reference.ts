import { drawScores, penalised } from "../speculate/filters";
import { noise } from "../speculate/gumbel";
import type { SamplingParams } from "./sample";

/** The token drawn from the live tokens' logits for this position; `counts` as the kernel has them, and left as they are. */
export function sampleReference(logits: Float32Array, counts: Uint32Array, params: SamplingParams, position: number): number {
  const scores = drawScores(
    logits.map((logit, token) => penalised(logit, counts[token] ?? 0, params)),
    params,
    (token) => noise(params.seed, position, token),
  );
  return scores.reduce((best, score, token) => (score > (scores[best] ?? 0) ? token : best), 0);
}
