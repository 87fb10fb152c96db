// What happens to a model whose products are right in the trial and wrong in the model: norms that products make themselves are given up for
// norms apart before the device is refused. And where rows are only rounded in another way beside others, speculation is given up.
import { expect, test } from "vitest";
import { FolderSource } from "../../src/cli/folder_source";
import { type Chosen, loadChosen } from "../../src/engine/choose";
import { Engine } from "../../src/engine/engine";
import type { Tuning, TuningStore } from "../../src/engine/tuning";
import { wrongResult } from "../../src/engine/wrong_result";
import type { Gpu } from "../../src/gpu/device";
import { type Constants, PipelineCache } from "../../src/gpu/pipelines";
import { makeShader, type Shader } from "../../src/gpu/shader";
import type { Choices } from "../../src/kernels/policy";
import { Speculator } from "../../src/speculate/speculator";
import { SuffixDrafter } from "../../src/speculate/suffix";
import { openCheckpoint } from "../../src/weights/checkpoint";
import { useGpu } from "../setup/gpu";
import { logitsOf, openFixture, reply } from "../setup/models";

const bench = useGpu();

const folded: Choices = { dot: "packed", one: "lanes8", few: "lanes8", many: "rows", norm: "folded" };
const apart: Choices = { ...folded, norm: "apart" };

test.each([
  ["the model that ships", "w8a8"],
  ["lfm2-conv-bias-bf16", "w4a8"],
  ["lfm2-odd-heads-f16", "full"],
] as const)("called a GPU, this device computes %s in %s exactly, with norms folded where they can be", (name, precision) =>
  bench.run(async ({ gpu }) => {
    const checkpoint = name.startsWith("lfm2")
      ? await openFixture(name)
      : await openCheckpoint(new FolderSource("public/models/gyre-demo"));
    const engine = await Engine.load({ ...gpu, software: false }, checkpoint, { precision, contextLength: 256 });
    expect(engine.exact).toBe(true);
    expect(engine.tuning.choices.norm).toBe(precision === "full" ? "apart" : "folded");
    engine.dispose();
  }),
);

/** Runners that say whether they were freed. */
function runners() {
  const made: { readonly choices: Choices; isFreed: boolean }[] = [];
  const load = async (choices: Choices) => {
    const runner = { choices, isFreed: false };
    made.push(runner);
    return { choices, dispose: () => void (runner.isFreed = true) };
  };
  return { made, load };
}

test("rounded differently, or wrong by what norms may be to blame for: loaded once more apart, its costs forgotten; wrong otherwise: told at once", async () => {
  const chosen: Chosen = { key: "k", choices: folded, costs: [{ rows: 1, ms: 1 }] };
  const exact = { exact: true, fault: null };
  const fault = { exact: false, fault: wrongResult("rows differ") };
  const wrong = async ({ choices }: { choices: Choices }) => (choices.norm === "folded" ? fault : exact);
  const right = runners();
  const loaded = await loadChosen(chosen, right.load, async () => exact);
  expect(loaded).toMatchObject({ chosen, exact: true });
  expect(right.made).toEqual([{ choices: folded, isFreed: false }]);

  const once = runners();
  const again = await loadChosen(chosen, once.load, wrong);
  expect(again.chosen).toEqual({ key: "k", choices: apart, costs: null });
  expect(again.runner.choices).toEqual(apart);
  expect(once.made).toEqual([
    { choices: folded, isFreed: true },
    { choices: apart, isFreed: false },
  ]);

  const rounded = runners();
  const inexact = await loadChosen(chosen, rounded.load, async () => ({ exact: false, fault: null }));
  expect(inexact).toMatchObject({ chosen: { key: "k", choices: apart, costs: null }, exact: false });
  expect(rounded.made.map(({ isFreed }) => isFreed)).toEqual([true, false]);

  const never = runners();
  await expect(loadChosen(chosen, never.load, async () => fault)).rejects.toMatchObject({ code: "wrong-result", detail: "rows differ" });
  expect(never.made.map(({ isFreed }) => isFreed)).toEqual([true, true]);

  const otherwise = runners();
  const alwaysWrong = loadChosen(chosen, otherwise.load, () => Promise.reject(wrongResult("attention")));
  await expect(alwaysWrong).rejects.toMatchObject({ code: "wrong-result", detail: "attention" });
  expect(otherwise.made).toEqual([{ choices: folded, isFreed: true }]);

  const lost = runners();
  await expect(loadChosen(chosen, lost.load, () => Promise.reject(new Error("lost")))).rejects.toThrow("lost");
  expect(lost.made).toEqual([{ choices: folded, isFreed: true }]);
});

const QKV = 48; // outputs of the model's queries, keys and values, a shape that the trial does not have

const inLayers = (constants: Constants) => constants["OUTPUTS"] === QKV;
const inHead = (constants: Constants) => Number(constants["HEAD"]) === 1;

/** Compiles a fault into products like that whose shader has this part. */
class FaultyPipelines extends PipelineCache {
  faults = 0;
  readonly #where: (constants: Constants) => boolean;
  readonly #part: string;
  readonly #spoil: readonly [from: string, to: string];

  constructor(device: GPUDevice, where: (constants: Constants) => boolean, part: string, ...spoil: readonly [from: string, to: string]) {
    super(device);
    this.#where = where;
    this.#part = part;
    this.#spoil = spoil;
  }

  override get(shader: Shader, constants: Constants): Promise<GPUComputePipeline> {
    const isAtFault = this.#where(constants) && shader.parts.some(({ name }) => name === this.#part);
    if (!isAtFault) return super.get(shader, constants);
    this.faults++;
    const parts = shader.parts.map(({ name, code }) => ({ name, code: code.replace(...this.#spoil) }));
    return super.get(makeShader(shader.name, parts), constants);
  }
}

const keeps = (tuning: Tuning): TuningStore => ({ get: async () => tuning, put: async () => {} });

test(
  "a fault of the device that only the model's own shapes show: it answers as it should, and the next load knows",
  () =>
    bench.run(async ({ gpu }) => {
      const checkpoint = await openFixture("llama-sharded-f32");
      const options = { precision: "w8a8", contextLength: 24, maxRows: 2, maxHeadRows: 1 } as const;
      // One code of a row that a product norms is another.
      const spoil = ["staged[word] = four;", "staged[word] = four ^ u32(word == 3u);"] as const;
      const pipelines = new FaultyPipelines(gpu.device, inLayers, "lib/row_normed.wgsl", ...spoil);
      const faulty: Gpu = { ...gpu, software: false, pipelines };
      const kept = new Map<string, unknown>();
      const puts: Tuning[] = [];
      const tunings: TuningStore = {
        get: async (key) => kept.get(key) ?? { choices: folded, costs: [{ rows: 1, ms: 12345 }] },
        put: async (key, tuning) => void (kept.set(key, tuning), puts.push(tuning)),
      };
      const engine = await Engine.load(faulty, checkpoint, { ...options, tunings });
      expect(pipelines.faults).toBeGreaterThan(0);
      expect(engine.tuning.choices).toEqual(apart);
      expect(engine.tuning.costs[0]?.ms).not.toBe(12345);
      expect(puts).toEqual([engine.tuning]);

      const { faults } = pipelines;
      const next = await Engine.load(faulty, checkpoint, { ...options, tunings });
      expect(next.tuning).toEqual(engine.tuning);
      expect(pipelines.faults).toBe(faults);

      const plain = await Engine.load(gpu, checkpoint, options);
      const tokens = [5, 9, 14, 3, 30, 7];
      const expected = await logitsOf(plain, tokens, 1);
      for (const loaded of [engine, next]) expect(await logitsOf(loaded, tokens, 1)).toEqual(expected);
      for (const loaded of [engine, next, plain]) loaded.dispose();
    }),
  240_000,
);

test("a fault that norms are not to blame for refuses the device without loading again", () =>
  bench.run(async ({ gpu }) => {
    const checkpoint = await openFixture("llama-sharded-f32");
    const pipelines = new FaultyPipelines(gpu.device, () => true, "attention.wgsl", "chunk <= end", "chunk < end");
    let loads = 0;
    const loading = Engine.load({ ...gpu, software: false, pipelines }, checkpoint, {
      precision: "w8a8",
      contextLength: 24,
      maxRows: 2,
      maxHeadRows: 1,
      tunings: keeps({ choices: folded, costs: [{ rows: 1, ms: 1 }] }),
      onProgress: ({ phase, done }) => void (loads += Number(phase === "compile" && done === 1)),
    });
    await expect(loading).rejects.toMatchObject({ code: "wrong-result", detail: expect.stringMatching(/^attention, /) });
    expect(loads).toBe(1);
  }));

const PRODUCT = ["linear_int8.wgsl", "f32(sum) * scale"] as const;
const ROUNDED = "f32(sum) * scale * 1.0000001"; // by a unit in the last place
const TRIPLED = "select(f32(sum) * scale, 3.0 * f32(sum) * scale, matrix_row == 5u)"; // an output that no product is asked for

test.each([
  ["rounds otherwise where products of layers have a few rows", "answers", inLayers, [...PRODUCT, ROUNDED]],
  ["rounds otherwise where products of the head have a few rows", "answers", inHead, [...PRODUCT, ROUNDED]],
  ["multiplies where products of layers have a few rows", "is refused", inLayers, [...PRODUCT, TRIPLED]],
  ["multiplies where products of the head have a few rows", "is refused", inHead, [...PRODUCT, TRIPLED]],
  ["moves no keys behind a tree", "is refused", () => true, ["kv_commit.wgsl", "first + depth, lane", "first, lane"]],
] as const)("a device that %s %s", (_, outcome, where, [part, from, to]) =>
  bench.run(async ({ gpu }) => {
    const checkpoint = await openFixture("llama-sharded-f32");
    const options = { precision: "w8a8", contextLength: 48, maxRows: 8, maxHeadRows: 8 } as const;
    const pipelines = new FaultyPipelines(gpu.device, where, part, from, to);
    const tunings = keeps({ choices: apart, costs: [{ rows: 1, ms: 1 }] });
    const loading = Engine.load({ ...gpu, software: false, pipelines }, checkpoint, { ...options, tunings });
    if (outcome === "is refused") {
      await expect(loading).rejects.toMatchObject({
        code: "wrong-result",
        detail: expect.stringMatching(/differs from passes of one row/),
      });
      return;
    }
    const engine = await loading;
    expect(pipelines.faults).toBeGreaterThan(0);
    expect(engine.exact).toBe(false);
    const tokens = [5, 9, 14, 5, 9, 14, 5, 9];
    const speculator = new Speculator([new SuffixDrafter()], { fixedDrafts: 4 });
    const plain = await reply(engine, tokens, { maxTokens: 6 });
    expect(await reply(engine, tokens, { maxTokens: 6, speculator })).toMatchObject({ tokens: plain.tokens, summary: { passes: 6 } });
    expect(speculator.stats.rounds).toBe(0);
    engine.dispose();
  }),
);
