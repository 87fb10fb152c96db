// Draws by one workgroup a row; sample_sliced.test.ts has those that several share.
import { describe, expect, test } from "vitest";
import { nodeGpu } from "../../src/cli/node_gpu";
import { openGpu } from "../../src/gpu/device";
import { PipelineCache } from "../../src/gpu/pipelines";
import { SAMPLING_BYTES, sample, sampleShaders, writeSampling } from "../../src/kernels/sample";
import { inPrompt } from "../../src/speculate/filters";
import { randomFloats, traits, useGpu } from "../setup/gpu";
import { draw, expected, plain, randomCounts, sampler, settings, shapes } from "./sampler";

const bench = useGpu();

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
