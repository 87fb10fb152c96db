import { describe, expect, test } from "vitest";
import { nodeGpu } from "../../src/cli/node_gpu";
import { openGpu } from "../../src/gpu/device";
import { PipelineCache } from "../../src/gpu/pipelines";
import type { DeviceTraits } from "../../src/kernels/policy";
import {
  NO_TOKEN,
  SAMPLING_BYTES,
  type SamplingParams,
  sample,
  sampleShaders,
  sampleSlices,
  thresholdsOf,
  writeSampling,
} from "../../src/kernels/sample";
import { candidatesReference, sampleReference } from "../../src/kernels/sample.reference";
import { inPrompt } from "../../src/speculate/filters";
import { noise } from "../../src/speculate/gumbel";
import { chiSquareOf, chiSquareP } from "../setup/chi_square";
import { type Lab, randomFloats, traits, useGpu } from "../setup/gpu";
import { greedy } from "../setup/models";

const bench = useGpu();

const plain: SamplingParams = { ...greedy, temperature: 1, seed: 0x1234_5678_9abc_def0n };

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
function sampler(
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

const draw = (lab: Lab, { position, ...rest }: Draw) => sampler(lab, rest).draw(position);

const noises = new Map<string, Float32Array>(); // by seed and position, NaN where it is not made yet

/** The reference's noise. Making it is most of what the reference does, and many draws here share it. */
function noiseOnce(seed: bigint, position: number, token: number): number {
  const key = `${seed} ${position}`;
  const row = noises.get(key) ?? new Float32Array(2 ** 18).fill(Number.NaN);
  noises.set(key, row);
  if (Number.isNaN(row[token])) row[token] = noise(seed, position, token);
  return row[token] ?? Number.NaN;
}

function expected({ logits, vocabulary, live = vocabulary, counts = new Uint32Array(vocabulary), params, position }: Draw): number[] {
  return Array.from({ length: logits.length / vocabulary }, (_, row) =>
    sampleReference(logits.subarray(row * vocabulary, row * vocabulary + live), counts, params, position + row, noiseOnce),
  );
}

test("penalties count a token on a tree's path once a node, the root not again; nothing of a tree is counted for good", () =>
  bench.run(async (lab) => {
    const [again, less] = [5, 6];
    const logit = (behind: number) => Float32Array.from({ length: 8 }, (_, i) => (i === again ? 10 : i === less ? 10 - behind : 0));
    const counts = Uint32Array.from({ length: 8 }, (_, i) => Number(i === again)); // the root
    const sampling = lab.memory.uniform("sampling", SAMPLING_BYTES);
    lab.memory.write(sampling, 0, new Uint8Array(writeSampling({ ...plain, temperature: 0, frequencyPenalty: 1 })));
    const countsBuffer = lab.upload(counts);
    const sampled = lab.output(2 * 4);
    // Behind the root and a child that says the same, the token has been said twice.
    const logits = lab.upload(Float32Array.of(...logit(2.5), ...logit(1.5)));
    const tokens = lab.upload(Uint32Array.of(again, again, again));
    const buffers = { batch: lab.batch, sampling, logits, counts: countsBuffer, sampled, tokens };
    const steps = sample("test", { ...buffers, vocabulary: 8, live: 8, candidates: 1 }, traits.gpu).map((step) => [step]);
    await lab.pass(steps, { rows: 3, headRows: 2, tree: { parents: [0, 0, 0] } });
    expect(Array.from(await lab.words(sampled, 2))).toEqual([again, less]);
    await lab.pass(steps, { rows: 3, headRows: 1, tree: { parents: [0, 0, 0] } });
    expect(await lab.words(countsBuffer, 8)).toEqual(counts);
  }));

// Numbers with few binary digits: their products with counts are exact, so it does not matter whether fma() rounds once or twice here.
const penalties = { repetitionPenalty: 1.25, presencePenalty: 0.5, frequencyPenalty: 0.375 };
const settings: readonly (readonly [string, Partial<SamplingParams>])[] = [
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

const shapes: Readonly<Record<string, (count: number, vocabulary: number) => Float32Array<ArrayBuffer>>> = {
  random: (count) => randomFloats(count, 1).map((x) => x * 12 + 3),
  "with ties": (count) => randomFloats(count, 2).map((x) => Math.round(x * 8) / 2),
  "one huge": (count, vocabulary) => randomFloats(count, 3).map((x, i) => (i % vocabulary === vocabulary - 3 ? 3e4 : x * 8)),
  equal: (count) => new Float32Array(count).fill(-1.5),
  "zeros of both signs": (count) => randomFloats(count, 4).map((x) => (x > 0.6 ? 1 : x > 0 ? 0 : -0)),
};

function randomCounts(vocabulary: number): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(randomFloats(vocabulary, 5), (x) => (x > 0 ? 0 : Math.floor(-6 * x) + (x < -0.4 ? inPrompt : 0)));
}

describe.each([
  [7, 16],
  [512, 16],
  [65_536, 1],
])("vocabulary %i, %i rows", (vocabulary, rows) => {
  test.each(Object.keys(shapes))("%s: every setting draws what the reference draws", (shape) =>
    bench.run(async (lab) => {
      const logits = shapes[shape]?.(rows * vocabulary, vocabulary) ?? new Float32Array();
      const counts = randomCounts(vocabulary);
      for (const [name, setting] of settings) {
        const task = { logits, vocabulary, counts, params: { ...plain, ...setting }, position: 40 };
        expect({ name, tokens: await draw(lab, task) }).toEqual({ name, tokens: expected(task) });
      }
    }),
  );
});

test("the largest vocabulary, where sums come closest to 2^32", () =>
  bench.run(async (lab) => {
    const vocabulary = 2 ** 18;
    for (const [logits, topP] of [
      [new Float32Array(vocabulary).fill(2), 0.9],
      [randomFloats(vocabulary, 6).map((x) => x * 3), 0.7],
    ] as const) {
      const task = { logits, vocabulary, params: { ...plain, topP }, position: 9 };
      expect(await draw(lab, task)).toEqual(expected(task));
    }
  }));

test("tokens that are not live are never drawn", () =>
  bench.run(async (lab) => {
    const vocabulary = 512;
    const logits = randomFloats(16 * vocabulary, 7).map((x, i) => (i % vocabulary >= 501 ? 50 : x));
    for (const temperature of [0, 1]) {
      const task = { logits, vocabulary, live: 501, params: { ...plain, temperature, topK: 510 }, position: 5 };
      expect(await draw(lab, task)).toEqual(expected(task));
    }
  }));

test("a row alone draws what it draws among five, and the number of threads changes nothing", () =>
  bench.run(async (lab) => {
    const vocabulary = 512;
    const logits = randomFloats(5 * vocabulary, 8).map((x) => x * 6);
    const params = { ...plain, temperature: 0.9, topK: 100, topP: 0.9 };
    const together = await draw(lab, { logits, vocabulary, params, position: 70 });
    for (const [row, token] of together.entries()) {
      const alone = { logits: logits.slice(row * vocabulary, (row + 1) * vocabulary), vocabulary, params, position: 70 + row };
      for (const device of Object.values(traits)) expect(await draw(lab, { ...alone, device })).toEqual([token]);
    }
    expect(new Set(together).size).toBeGreaterThan(1);
  }));

test("a single row's draw is counted, the draws of several are not", () =>
  bench.run(async (lab) => {
    const vocabulary = 512;
    const counts = new Uint32Array(vocabulary).fill(inPrompt + 2);
    const logits = randomFloats(2 * vocabulary, 9).map((x) => x * 6);
    const one = sampler(lab, { logits: logits.slice(0, vocabulary), vocabulary, counts, params: plain });
    const [token = 0] = await one.draw(11);
    expect(Array.from(await lab.words(one.counts, vocabulary))).toEqual(Array.from(counts, (count, i) => count + Number(i === token)));
    const two = sampler(lab, { logits, vocabulary, counts, params: plain });
    await two.draw(11);
    expect(await lab.words(two.counts, vocabulary)).toEqual(counts);
  }));

test("a drafter's candidates are the next best by the same score, and none where the filters left no more", () =>
  bench.run(async (lab) => {
    const vocabulary = 512;
    const rows = 4;
    for (const logits of [shapes["random"]!(rows * vocabulary, vocabulary), shapes["equal"]!(rows * vocabulary, vocabulary)]) {
      for (const setting of [{}, { temperature: 0 }, { topK: 2 }, { topK: 3, topP: 0.5 }, { minP: 0.3, temperature: 0.5 }]) {
        for (const [candidates, device] of [
          [4, traits.software],
          [3, traits.gpu],
        ] as const) {
          const task = { logits, vocabulary, params: { ...plain, ...setting }, position: 31, candidates, device };
          const wanted = Array.from({ length: rows }, (_, row) => {
            const own = logits.subarray(row * vocabulary, (row + 1) * vocabulary);
            const all = candidatesReference(own, new Uint32Array(vocabulary), task.params, 31 + row);
            return Array.from({ length: candidates }, (__, i) => all[i] ?? NO_TOKEN);
          });
          expect({ setting, tokens: await draw(lab, task) }).toEqual({ setting, tokens: wanted.flat() });
        }
      }
    }
  }));

/** Penalties, temperature and filters written out once more, in f64 and without the code under test. */
function exactDistribution(logits: ArrayLike<number>, counts: Uint32Array, params: SamplingParams): Float64Array {
  const scores = Array.from(logits, (logit, token) => {
    const count = counts[token]!;
    const times = count % inPrompt;
    const repeated = count === 0 ? logit : logit > 0 ? logit / params.repetitionPenalty : logit * params.repetitionPenalty;
    return (repeated - (times > 0 ? params.presencePenalty : 0) - params.frequencyPenalty * times) / params.temperature;
  });
  const falling = scores.map((score, token) => ({ token, mass: Math.exp(score) })).sort((a, b) => b.mass - a.mass);
  const best = falling[0]!.mass;
  const left = params.topK > 0 ? falling.slice(0, params.topK) : falling;
  const leftMass = left.reduce((sum, { mass }) => sum + mass, 0);
  let above = 0; // mass
  const kept = left.filter(({ mass }) => {
    const isKept = above < params.topP * leftMass && mass >= params.minP * best;
    above += mass;
    return isKept;
  });
  const total = kept.reduce((sum, { mass }) => sum + mass, 0);
  const probabilities = new Float64Array(logits.length);
  for (const { token, mass } of kept) probabilities[token] = mass / total;
  return probabilities;
}

describe("draws follow the filtered softmax (chi-square)", () => {
  test("its p-values are those of the tables", () => {
    for (const [chiSquare, freedom, p] of [
      [3.841, 1, 0.05],
      [27.877, 9, 0.001],
      [54.572, 39, 0.05],
      [26.509, 40, 0.95],
    ] as const) {
      expect(chiSquareP(chiSquare, freedom)).toBeCloseTo(p, 4);
    }
    expect(chiSquareOf([50, 49, 1], [0.5, 0.5, 0]).p).toBe(0);
  });

  const vocabulary = 40;
  const rows = 10_000;
  const row = randomFloats(vocabulary, 10).map((x) => x * 3);

  test.for<{ name: string; setting: Partial<SamplingParams>; draws: number; kinds: number }>([
    { name: "no filter", setting: {}, draws: 10_000, kinds: 40 },
    { name: "top-k", setting: { temperature: 0.7, topK: 12 }, draws: 10_000, kinds: 12 },
    { name: "top-p", setting: { topP: 0.9 }, draws: 10_000, kinds: 23 },
    { name: "min-p", setting: { temperature: 1.5, minP: 0.2 }, draws: 10_000, kinds: 16 },
    {
      name: "all filters and penalties",
      setting: { ...penalties, temperature: 1.3, topK: 30, topP: 0.97, minP: 0.03 },
      draws: 100_000,
      kinds: 27,
    },
  ])("$draws with $name", ({ setting, draws, kinds }, { annotate }) =>
    bench.run(async (lab) => {
      const params = { ...plain, ...setting, seed: 99n };
      const logits = Float32Array.from({ length: rows * vocabulary }, (__, i) => row[i % vocabulary]!);
      const counts = randomCounts(vocabulary);
      const source = sampler(lab, { logits, vocabulary, counts, params });
      const seen = new Float64Array(vocabulary);
      for (let drawn = 0; drawn < draws; drawn += rows) for (const token of await source.draw(3 + drawn)) seen[token]!++;
      expect(seen.reduce((sum, count) => sum + count, 0)).toBe(draws);

      const found = chiSquareOf(seen, exactDistribution(row, counts, params));
      await annotate(`p = ${found.p.toFixed(3)}`);
      expect(found.kinds).toBe(kinds);
      expect(found.p).toBeGreaterThan(0.001);
      // The test would notice a temperature that is a little off.
      const wrong = { ...params, temperature: params.temperature * (1 + 15 / Math.sqrt(draws)) };
      expect(chiSquareOf(seen, exactDistribution(row, counts, wrong)).p).toBeLessThan(1e-4);
    }),
  );
});

test("every variant compiles within the least that WebGPU promises", async () => {
  const { device } = await openGpu(nodeGpu({ compileOnly: true }));
  const pipelines = new PipelineCache(device);
  for (const THREADS of [16, 256]) {
    for (const VOCABULARY of [512, 262_144])
      for (const shader of Object.values(sampleShaders)) {
        const constants = { VOCABULARY, LIVE: VOCABULARY - 12, THREADS, CANDIDATES: THREADS === 16 ? 4 : 1 };
        await pipelines.get(shader, shader === sampleShaders.whole ? constants : { ...constants, SLICE: 2048 });
      }
  }
  expect(device.limits.maxComputeWorkgroupStorageSize).toBe(16_384);
  device.destroy();
});

test.each([
  [{ temperature: -1 }],
  [{ temperature: Number.NaN }],
  [{ topK: 1.5 }],
  [{ topP: 1.1 }],
  [{ minP: -0.1 }],
  [{ repetitionPenalty: 0 }],
  [{ presencePenalty: Number.POSITIVE_INFINITY }],
  [{ seed: -1n }],
  [{ seed: 2n ** 64n }],
])("refuses %o", (setting) => {
  expect(() => writeSampling({ ...plain, ...setting })).toThrow(expect.objectContaining({ code: "bad-request" }));
});

describe("workgroups that share a row", () => {
  test.each([{ vocabulary: 1001, live: 998, rows: 3, slice: 64, device: traits.software, candidates: 4 }])(
    "draw what one draws: $rows rows of $vocabulary, slices of $slice",
    ({ vocabulary, rows, slice, ...task }) =>
      bench.run(async (lab) => {
        const counts = randomCounts(vocabulary);
        const large = vocabulary > 4096;
        for (const shape of ["random", large ? "equal" : "with ties"]) {
          const logits = shapes[shape]!(rows * vocabulary, vocabulary);
          for (const [name, setting] of large ? settings.filter(([name]) => name.length > 12 || name === "top-p 0.95") : settings) {
            const common = { ...task, logits, vocabulary, counts, params: { ...plain, ...setting }, position: 40 };
            const wanted = await draw(lab, common);
            expect({ shape, name, tokens: await draw(lab, { ...common, slice }) }).toEqual({ shape, name, tokens: wanted });
          }
        }
      }),
  );

  test("draw what the reference draws from the largest vocabulary", () =>
    bench.run(async (lab) => {
      const vocabulary = 2 ** 18;
      const logits = randomFloats(vocabulary, 6).map((x) => x * 12);
      const counts = randomCounts(vocabulary);
      for (const setting of [{ minP: 0.001 }, { ...penalties, topK: 50, topP: 0.9, temperature: 0.7 }]) {
        const task = { logits, vocabulary, counts, params: { ...plain, ...setting }, position: 9 };
        expect({ setting, tokens: await draw(lab, { ...task, slice: 2048, device: traits.gpu }) }).toEqual({
          setting,
          tokens: expected(task),
        });
      }
    }));

  test("count a single row's draw", () =>
    bench.run(async (lab) => {
      const vocabulary = 1001;
      const logits = randomFloats(vocabulary, 9).map((x) => x * 6);
      // The pipelines of the first test above.
      const task = { live: 998, slice: 64, device: traits.software, candidates: 4 };
      const one = sampler(lab, { ...task, logits, vocabulary, counts: new Uint32Array(vocabulary), params: plain });
      const [token = 0] = await one.draw(11);
      expect(Array.from(await lab.words(one.counts, vocabulary))).toEqual(Array.from(logits, (_, i) => Number(i === token)));
    }));

  test("take only as many dispatches as the settings ask for", () =>
    bench.run(async (lab) => {
      const buffer = lab.output(16);
      const buffers = { batch: buffer, sampling: buffer, logits: buffer, counts: buffer, sampled: buffer, tokens: buffer };
      const sliced = sampleSlices(lab.memory, 1, 4096, 1024);
      const steps = sample("test", { ...buffers, vocabulary: 4096, live: 4096, sliced }, lab.gpu);
      const taken = (setting: Partial<SamplingParams>) => {
        const shape = { rows: 1, headRows: 1, thresholds: thresholdsOf({ ...plain, ...setting }) };
        return steps.filter((step) => step.grid(shape)[0] > 0).length;
      };
      const settings = [{ temperature: 0, topK: 5 }, { minP: 0.1 }, { topK: 5 }, { topP: 0.9 }, { topK: 5, topP: 0.9 }];
      expect(settings.map(taken)).toEqual([2, 2, 6, 6, 10]);
      expect(() => sample("test", { ...buffers, vocabulary: 4096, live: 4096, sliced: { ...sliced, size: 30 } }, lab.gpu)).toThrow(
        "slices of 30",
      );
    }));
});
