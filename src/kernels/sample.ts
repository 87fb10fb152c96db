import code from "../../shaders/sample.wgsl?raw";
import type { Dispatch } from "../gpu/plan";
import { EngineError } from "../protocol/errors";
import { type Filters, inverseTemperature, logMinP, type Penalties } from "../speculate/filters";
import { shareUnits } from "../speculate/mass";
import { seedWords } from "../speculate/philox";
import { assemble } from "./parts";

export const sampleShader = assemble("sample", code, ["batch", "wide", "noise", "mass", "threshold"]);

/** How tokens are drawn. */
export interface SamplingParams extends Filters, Penalties {
  readonly seed: bigint; // unsigned, 64 bits
}

export const SAMPLING_BYTES = 48;

/** In the place of a token where there is none. */
export const NO_TOKEN = 0xffffffff;

const MAX_CANDIDATES = 4;

/** The uniform that `sample` reads. Throws EngineError "bad-request" where a value makes no sense. */
export function writeSampling(params: SamplingParams): ArrayBuffer {
  const { temperature, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty, seed } = params;
  expect(temperature >= 0 && temperature <= 1e6, "temperature", temperature, "between 0 and 1000000");
  expect(Number.isInteger(topK) && topK >= 0, "top-k", topK, "a whole number, 0 or more");
  expect(topP >= 0 && topP <= 1, "top-p", topP, "between 0 and 1");
  expect(minP >= 0 && minP <= 1, "min-p", minP, "between 0 and 1");
  expect(repetitionPenalty >= 1e-6 && repetitionPenalty <= 1e6, "repetition penalty", repetitionPenalty, "between 0.000001 and 1000000");
  expect(Math.abs(presencePenalty) <= 1e6, "presence penalty", presencePenalty, "at most 1000000 in size");
  expect(Math.abs(frequencyPenalty) <= 1e6, "frequency penalty", frequencyPenalty, "at most 1000000 in size");
  expect(seed === BigInt.asUintN(64, seed), "seed", seed, "an unsigned number of 64 bits");

  const bytes = new ArrayBuffer(SAMPLING_BYTES);
  const words = new Uint32Array(bytes);
  const floats = new Float32Array(bytes);
  words.set(seedWords(seed), 0);
  floats.set(
    [inverseTemperature(temperature), logMinP(minP), repetitionPenalty, 1 / repetitionPenalty, presencePenalty, frequencyPenalty],
    2,
  );
  words.set([Math.min(topK, 0xffffffff), topP < 1 ? shareUnits(topP) : 0], 8);
  return bytes;
}

function expect(holds: boolean, name: string, value: number | bigint, range: string): void {
  if (!holds) throw new EngineError("bad-request", `The ${name} must be ${range}.`, `${name}: ${value}`);
}

export interface Sample {
  readonly batch: GPUBuffer;
  readonly sampling: GPUBuffer; // uniform, see writeSampling
  readonly logits: GPUBuffer; // f32 [head rows, vocabulary]; left penalised and scaled unless the temperature is 0
  readonly vocabulary: number; // logits a row, at most 262,144
  readonly live: number; // tokens from here on are never drawn
  readonly counts: GPUBuffer; // u32 [vocabulary]: times in the reply, bit 31 if in the prompt; raised by the draw of a single head row, but for trees
  readonly sampled: GPUBuffer; // u32 [head rows, candidates]
  readonly tokens: GPUBuffer; // u32 [rows], the pass's own
  readonly candidates?: number; // wanted of a row, the one drawn first and NO_TOKEN where the filters left no more; 1 to 4, default 1
  readonly threads?: number; // a workgroup's, 16 to 256; changes nothing but speed
}

/**
 * Draws the next token of each head row with the noise of the position where it will stand. Filters and penalties in the order of Hugging
 * Face's `generate`; the draw is argmax of score + Gumbel noise (Gumbel-max). A row's draw does not depend on the rows beside it, but for those that
 * a tree puts before it: their tokens count for the penalties. Throws
 * EngineError "model-unsupported" where the vocabulary is too large for exact sums.
 */
export function sample(
  label: string,
  { batch, sampling, logits, vocabulary, live, counts, sampled, tokens, candidates = 1, threads = 64 }: Sample,
): Dispatch {
  if (live < 1 || live > vocabulary) throw new Error(`${label}: ${live} live tokens in a vocabulary of ${vocabulary}`);
  if (vocabulary > 2 ** 18) {
    throw new EngineError("model-unsupported", "The vocabulary is larger than 262,144 tokens.", `${label}: ${vocabulary}`);
  }
  if (candidates < 1 || candidates > MAX_CANDIDATES) throw new Error(`${label}: ${candidates} candidates of a row`);
  return {
    label,
    shader: sampleShader,
    constants: { VOCABULARY: vocabulary, LIVE: live, THREADS: threads, CANDIDATES: candidates },
    bindings: { batch, sampling, logits, counts, sampled, tokens },
    grid: ({ headRows }) => [headRows, 1, 1],
  };
}
