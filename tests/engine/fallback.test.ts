// What happens to a model whose products are right in the trial and wrong in the model: norms that products make themselves are given up for
// norms apart before the device is refused.
import { expect, test } from "vitest";
import { type Chosen, loadChosen } from "../../src/engine/choose";
import { Engine } from "../../src/engine/engine";
import { wrongResult } from "../../src/engine/self_test";
import type { Tuning, TuningStore } from "../../src/engine/tuning";
import type { Gpu } from "../../src/gpu/device";
import { type Constants, PipelineCache } from "../../src/gpu/pipelines";
import { makeShader, type Shader } from "../../src/gpu/shader";
import type { Choices } from "../../src/kernels/policy";
import { useGpu } from "../setup/gpu";
import { logitsOf, openFixture } from "../setup/models";

const bench = useGpu();

const folded: Choices = { dot: "packed", one: "lanes8", few: "lanes8", many: "rows", norm: "folded" };
const apart: Choices = { ...folded, norm: "apart" };

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

test("a wrong result with folded norms is loaded once more apart, its costs forgotten; with norms apart, or for another reason, it is thrown", async () => {
  const chosen: Chosen = { key: "k", choices: folded, costs: [{ rows: 1, ms: 1 }] };
  const wrong = async ({ choices }: { choices: Choices }) => {
    if (choices.norm === "folded") throw wrongResult("rows differ");
  };
  const right = runners();
  const loaded = await loadChosen(chosen, right.load, async () => {});
  expect(loaded.chosen).toBe(chosen);
  expect(right.made).toEqual([{ choices: folded, isFreed: false }]);

  const once = runners();
  const again = await loadChosen(chosen, once.load, wrong);
  expect(again.chosen).toEqual({ key: "k", choices: apart, costs: null });
  expect(again.runner.choices).toEqual(apart);
  expect(once.made).toEqual([
    { choices: folded, isFreed: true },
    { choices: apart, isFreed: false },
  ]);

  const never = runners();
  const alwaysWrong = loadChosen(chosen, never.load, () => Promise.reject(wrongResult("attention")));
  await expect(alwaysWrong).rejects.toMatchObject({ code: "wrong-result", detail: "attention" });
  expect(never.made.map(({ isFreed }) => isFreed)).toEqual([true, true]);

  const lost = runners();
  await expect(loadChosen(chosen, lost.load, () => Promise.reject(new Error("lost")))).rejects.toThrow("lost");
  expect(lost.made).toEqual([{ choices: folded, isFreed: true }]);
});

const QKV = 48; // outputs of the model's queries, keys and values, a shape that the trial does not have

/** Compiles a fault into products of this shape that norm their row: one code of it is another. */
class FaultyPipelines extends PipelineCache {
  faults = 0;

  override get(shader: Shader, constants: Constants): Promise<GPUComputePipeline> {
    const isAtFault = constants["OUTPUTS"] === QKV && shader.parts.some(({ name }) => name === "lib/row_normed.wgsl");
    if (!isAtFault) return super.get(shader, constants);
    this.faults++;
    const spoil = (code: string) => code.replace("staged[word] = four;", "staged[word] = four ^ u32(word == 3u);");
    const parts = shader.parts.map(({ name, code }) => ({ name, code: spoil(code) }));
    return super.get(makeShader(shader.name, parts), constants);
  }
}

test(
  "a fault of the device that only the model's own shapes show: it answers as it should, and the next load knows",
  () =>
    bench.run(async ({ gpu }) => {
      const checkpoint = await openFixture("llama-sharded-f32");
      const options = { precision: "w8a8", contextLength: 24, maxRows: 2, maxHeadRows: 1 } as const;
      const pipelines = new FaultyPipelines(gpu.device);
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
