// What the tests of the sampling kernels have in common: draws on the GPU and by the reference, settings, and shapes of logits.

import type { DeviceTraits } from "../../src/kernels/policy";
import { SAMPLING_BYTES, type SamplingParams, sample, sampleSlices, writeSampling } from "../../src/kernels/sample";
import { sampleReference } from "../../src/kernels/sample.reference";
import { inPrompt } from "../../src/speculate/filters";
import { noise } from "../../src/speculate/gumbel";
import { type Lab, randomFloats } from "../setup/gpu";
import { greedy } from "../setup/models";

export const plain: SamplingParams = { ...greedy, temperature: 1, seed: 0x1234_5678_9abc_def0n };

interface Draw {
  readonly logits: Float32Array<ArrayBuffer>; // [rows, vocabulary]
  readonly vocabulary: number;
  readonly live?: number;
  readonly counts?: Uint32Array<ArrayBuffer>;
  readonly params: SamplingParams;
  readonly position: number; // of the first row's draw
  readonly device?: DeviceTraits;
  readonly candidates?: number;
  readonly slice?: number; // tokens of each, where workgroups share a row
  readonly tokens?: Uint32Array<ArrayBuffer>; // the pass's own, two rows before the head's included
}

/** A sampler whose logits, position and parameters can be set anew for every pass. */
export function sampler(
  lab: Lab,
  {
    vocabulary,
    live = vocabulary,
    counts,
    params,
    logits,
    device = lab.gpu,
    candidates = 1,
    slice,
    tokens = new Uint32Array(1),
  }: Omit<Draw, "position">,
) {
  const rows = logits.length / vocabulary;
  const sampling = lab.memory.uniform("sampling", SAMPLING_BYTES);
  lab.memory.write(sampling, 0, new Uint8Array(writeSampling(params)));
  const countsBuffer = lab.upload(counts ?? new Uint32Array(vocabulary));
  const sampled = lab.output(rows * candidates * 4);
  const logitsBuffer = lab.upload(logits);
  const step = {
    batch: lab.batch,
    sampling,
    logits: logitsBuffer,
    vocabulary,
    live,
    counts: countsBuffer,
    sampled,
    tokens: lab.upload(tokens),
    candidates,
    ...(slice && { sliced: sampleSlices(lab.memory, rows, live, slice) }),
  };
  const steps = sample("test", step, device);
  return {
    counts: countsBuffer,
    async draw(position: number): Promise<readonly number[]> {
      lab.memory.write(logitsBuffer, 0, logits);
      // Two rows before the head's, which want no logits.
      await lab.pass(
        steps.map((step) => [step]),
        { rows: rows + 2, headRows: rows },
        position - 3,
      );
      return Array.from(await lab.words(sampled, rows * candidates));
    },
  };
}

export const draw = (lab: Lab, { position, ...rest }: Draw) => sampler(lab, rest).draw(position);

const noises = new Map<string, Float32Array>(); // by seed and position, NaN where it is not made yet

/** The reference's noise. Making it is most of what the reference does, and many draws here share it. */
function noiseOnce(seed: bigint, position: number, token: number): number {
  const key = `${seed} ${position}`;
  const row = noises.get(key) ?? new Float32Array(2 ** 18).fill(Number.NaN);
  noises.set(key, row);
  if (Number.isNaN(row[token])) row[token] = noise(seed, position, token);
  return row[token] ?? Number.NaN;
}

export function expected({
  logits,
  vocabulary,
  live = vocabulary,
  counts = new Uint32Array(vocabulary),
  params,
  position,
}: Draw): number[] {
  return Array.from({ length: logits.length / vocabulary }, (_, row) =>
    sampleReference(logits.subarray(row * vocabulary, row * vocabulary + live), counts, params, position + row, noiseOnce),
  );
}

// Numbers with few binary digits: their products with counts are exact, so it does not matter whether fma() rounds once or twice here.
export const penalties = { repetitionPenalty: 1.25, presencePenalty: 0.5, frequencyPenalty: 0.375 };
export const settings: readonly (readonly [string, Partial<SamplingParams>])[] = [
  ["no filter", {}],
  ["low temperature", { temperature: 0.3 }],
  ["high temperature", { temperature: 1.7 }],
  ["greedy", { temperature: 0 }],
  ["top-k 1", { topK: 1 }],
  ["top-k 5", { topK: 5 }],
  ["top-k 100", { topK: 100 }],
  ["top-k beyond the vocabulary", { topK: 1_000_000 }],
  ["top-p 0", { topP: 0 }],
  ["top-p 0.3", { topP: 0.3 }],
  ["top-p 0.95", { topP: 0.95 }],
  ["min-p 0.1", { minP: 0.1 }],
  ["min-p 1", { minP: 1 }],
  ["repetition", { repetitionPenalty: 1.3 }],
  ["presence and frequency", { presencePenalty: 0.75, frequencyPenalty: -0.25 }],
  ["greedy with penalties", { ...penalties, temperature: 0 }],
  ["top-k, then top-p", { topK: 40, topP: 0.8 }],
  ["everything", { ...penalties, temperature: 0.8, topK: 50, topP: 0.95, minP: 0.02 }],
];

export const shapes: Readonly<Record<string, (count: number, vocabulary: number) => Float32Array<ArrayBuffer>>> = {
  random: (count) => randomFloats(count, 1).map((x) => x * 12 + 3),
  "with ties": (count) => randomFloats(count, 2).map((x) => Math.round(x * 8) / 2),
  "one huge": (count, vocabulary) => randomFloats(count, 3).map((x, i) => (i % vocabulary === vocabulary - 3 ? 3e4 : x * 8)),
  equal: (count) => new Float32Array(count).fill(-1.5),
  "zeros of both signs": (count) => randomFloats(count, 4).map((x) => (x > 0.6 ? 1 : x > 0 ? 0 : -0)),
};

export function randomCounts(vocabulary: number): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(randomFloats(vocabulary, 5), (x) => (x > 0 ? 0 : Math.floor(-6 * x) + (x < -0.4 ? inPrompt : 0)));
}
