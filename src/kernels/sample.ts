import code from "../../shaders/sample.wgsl?raw";
import type { Memory } from "../gpu/buffers";
import type { Dispatch, Grid, PassShape } from "../gpu/plan";
import type { Shader } from "../gpu/shader";
import { EngineError } from "../protocol/errors";
import { type Filters, inverseTemperature, logMinP, type Penalties } from "../speculate/filters";
import { shareUnits } from "../speculate/mass";
import { seedWords } from "../speculate/philox";
import { assemble } from "./parts";
import { type DeviceTraits, sampleThreads } from "./policy";

const noisy = ["batch", "wide", "noise", "order", "best", "drawing", "counts"] as const;
const shared = ["slices", "tallies"] as const;

export const sampleShaders = {
  whole: assemble("sample", code, [...noisy, "scores", "mass", "threshold", "deliver", "sample_whole"]),
  slice: assemble("sample", code, [...noisy, "scores", ...shared, "sample_slice"]),
  level: assemble("sample", code, ["wide", "mass", "order", "best", "threshold", ...shared, "levels", "sample_level"]),
  finish: assemble("sample", code, [...noisy, "mass", "threshold", "deliver", ...shared, "levels", "sample_finish"]),
};

/** How tokens are drawn. */
export interface SamplingParams extends Filters, Penalties {
  readonly seed: bigint; // unsigned, 64 bits
}

export const SAMPLING_BYTES = 48;

/** The most tokens of a row: sums of their masses must be exact; see shaders/lib/wide.wgsl. */
export const MAX_VOCABULARY = 2 ** 18;

/** In the place of a token where there is none. */
export const NO_TOKEN = 0xffffffff;

const MAX_CANDIDATES = 4;
const LEVELS_A_SEARCH = 4; // dispatches that top-k takes, and top-p; as in shaders/lib/slices.wgsl
const LEVELS = 2 * LEVELS_A_SEARCH;
const TALLY_BYTES = 768 * 4; // as in shaders/lib/tallies.wgsl
const SEARCH_BYTES = 32;
const SLICE_BYTES = 12;
const MAX_SLICES = 8192;

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

/** What workgroups need that share a row. */
export interface SampleSlices {
  readonly size: number; // tokens of a slice, a multiple of four
  readonly slices: GPUBuffer; // what is found of each slice, [head rows, slices]
  readonly tallies: GPUBuffer; // histograms, [head rows, LEVELS, 3, 256]
  readonly searches: GPUBuffer; // for the thresholds of top-k and top-p, [head rows, LEVELS]
  readonly levels: readonly GPUBuffer[]; // uniforms: 0, 1, 2, ...
}

/** Allocates it for draws of at most `headRows` rows with `live` tokens, in slices of `size`. */
export function sampleSlices(memory: Memory, headRows: number, live: number, size: number): SampleSlices {
  return {
    size,
    slices: memory.storage("slices of a draw", "scratch", headRows * Math.ceil(live / size) * SLICE_BYTES),
    tallies: memory.storage("tallies of a draw", "scratch", headRows * LEVELS * TALLY_BYTES),
    searches: memory.storage("searches of a draw", "scratch", headRows * LEVELS * SEARCH_BYTES),
    levels: Array.from({ length: LEVELS }, (_, level) => {
      const uniform = memory.uniform("level", 4);
      memory.write(uniform, 0, Uint32Array.of(level));
      return uniform;
    }),
  };
}

/** How many thresholds such draws have to look for, for PassShape. */
export function thresholdsOf({ temperature, topK, topP }: Filters): number {
  return inverseTemperature(temperature) === 0 ? 0 : Number(topK > 0) + Number(topP < 1);
}

export interface Sample {
  readonly batch: GPUBuffer;
  readonly sampling: GPUBuffer; // uniform, see writeSampling
  readonly logits: GPUBuffer; // f32 [head rows, vocabulary]; left penalised and scaled
  readonly vocabulary: number; // logits a row, at most MAX_VOCABULARY
  readonly live: number; // tokens from here on are never drawn
  readonly counts: GPUBuffer; // u32 [vocabulary]: times in the reply, bit 31 if in the prompt; raised by the draw of a single head row, but for trees
  readonly sampled: GPUBuffer; // u32 [head rows, candidates]
  readonly tokens: GPUBuffer; // u32 [rows], the pass's own
  readonly candidates?: number; // wanted of a row, the one drawn first and NO_TOKEN where the filters left no more; 1 to 4, default 1
  readonly sliced?: SampleSlices; // many workgroups share a row, by slices of its tokens; default: one makes it; the draw is the same
}

/**
 * Draws the next token of each head row with the noise of the position where it will stand, in one dispatch or, with slices, in two and four more
 * for each of top-k and top-p. Filters and penalties in the order of Hugging Face's `generate`; the draw is argmax of score + Gumbel noise
 * (Gumbel-max). A row's draw does not depend on the rows beside it, but for those that a tree puts before it: their tokens count for the penalties.
 */
export function sample(label: string, step: Sample, device: DeviceTraits): readonly Dispatch[] {
  const { batch, sampling, logits, vocabulary, live, counts, sampled, tokens, candidates = 1, sliced } = step;
  if (live < 1 || live > vocabulary) throw new Error(`${label}: ${live} live tokens in a vocabulary of ${vocabulary}`);
  if (vocabulary > MAX_VOCABULARY) throw new Error(`${label}: ${vocabulary} tokens are more than ${MAX_VOCABULARY}`);
  if (candidates < 1 || candidates > MAX_CANDIDATES) throw new Error(`${label}: ${candidates} candidates of a row`);
  const constants = { VOCABULARY: vocabulary, LIVE: live, THREADS: sampleThreads(device), CANDIDATES: candidates };
  const common = { sampling, logits };
  const scoring = { ...common, batch, counts, tokens };
  const drawing = { ...common, batch, counts, sampled };
  if (!sliced) {
    const grid = ({ headRows }: PassShape) => [1, headRows, 1] as const;
    return [{ label, shader: sampleShaders.whole, constants, bindings: { ...scoring, sampled }, grid }];
  }

  const { size, slices, tallies, searches, levels } = sliced;
  const count = Math.ceil(live / size);
  if (size % 4 !== 0 || count > MAX_SLICES) throw new Error(`${label}: ${count} slices of ${size} tokens`);
  const dispatch = (shader: Shader, bindings: Dispatch["bindings"], grid: (shape: PassShape) => Grid): Dispatch => {
    return { label, shader, constants: { ...constants, SLICE: size }, bindings, grid };
  };
  const each = ({ headRows }: PassShape) => [count, headRows, 1] as const;
  return [
    dispatch(sampleShaders.slice, { ...scoring, slices, tallies }, each),
    ...levels.map((uniform, level) =>
      dispatch(sampleShaders.level, { ...common, slices, tallies, searches, level: uniform }, (shape) =>
        level < LEVELS_A_SEARCH * (shape.thresholds ?? 2) ? each(shape) : [0, 0, 0],
      ),
    ),
    dispatch(sampleShaders.finish, { ...drawing, slices, tallies, searches }, ({ headRows }) => [1, headRows, 1]),
  ];
}
