import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeGpu } from "../../src/cli/node_gpu";
import { shapeNamed } from "../../src/cli/shapes";
import { Engine } from "../../src/engine/engine";
import { Pace } from "../../src/engine/pace";
import { randomCheckpoint } from "../../src/engine/random_checkpoint";
import { type Gpu, openGpu } from "../../src/gpu/device";
import { Profiler } from "../../src/gpu/profile";
import { greedy, logitsOf, openFixture, reply } from "../setup/models";

const budget = { ms: 1500, samples: 3 };
let gpu: Gpu;
let engine: Engine;
beforeAll(async () => {
  gpu = await openGpu(nodeGpu({ profile: true }), { profile: true });
  const options = { precision: "w8a8", maxRows: 8, maxHeadRows: 8, contextLength: 64 } as const;
  engine = await Engine.load(gpu, await openFixture("lfm2-gqa4-bf16"), options);
});
afterAll(() => gpu.device.destroy());

test("passes have a cost where there is room for them, and none where there is not", async () => {
  const meter = await engine.meter();
  for (const timing of [await meter.prefill(20, budget, engine.pace()), await meter.decode(0, budget), await meter.decode(60, budget)]) {
    expect(timing?.ms).toBeGreaterThan(0);
    expect(timing?.samples).toBeGreaterThan(0);
  }
  expect(await meter.prefill(65, budget, engine.pace())).toBeNull();
  expect(await meter.decode(61, budget)).toBeNull(); // four tokens do not fit behind
  expect((await meter.verify(8, 0, budget))?.ms).toBeGreaterThan(0);
  expect(await meter.verify(9, 0, budget)).toBeNull();
});

test("a prompt goes through in passes as large as its pace allows: where a screen waits, in those that are short enough", async () => {
  const meter = await engine.meter();
  const once = { ms: 0, samples: 1 };
  const costs = [{ rows: 1, ms: 5 }];
  expect(await meter.prefill(20, once, engine.pace())).toMatchObject({ passes: 3 }); // of 8 rows, the room that there is
  const weak = new Pace({ most: 8, submitMs: 0.001, costs }); // no pass is short enough, so those of the fewest rows
  expect(await meter.prefill(20, once, weak)).toMatchObject({ passes: 5 });
});

test("every dispatch of a token is timed, and its bytes are those of the weights and of the keys and values so far", async () => {
  const meter = await engine.meter();
  const profiler = new Profiler(gpu.device);
  const kernels = await meter.kernels(0, profiler, 2);
  profiler.dispose();
  const { dispatches, bytes } = meter.load(0);
  expect(kernels.reduce((sum, kernel) => sum + kernel.dispatches, 0)).toBe(dispatches);
  expect(kernels.reduce((sum, kernel) => sum + kernel.bytes, 0)).toBeCloseTo(bytes, 3);
  for (const { ms } of kernels) expect(ms).toBeGreaterThan(0);
  expect(kernels.map(({ ms }) => ms)).toEqual(kernels.map(({ ms }) => ms).sort((a, b) => b - a));
  // Weights once: the tied table as the head's, and not again for the lookup.
  const { weightBytes } = engine.memory;
  expect(bytes).toBeGreaterThan(0.95 * weightBytes);
  expect(bytes).toBeLessThan(1.05 * weightBytes);
  expect(meter.load(63).bytes).toBeGreaterThan(bytes);
});

test("after measuring and a reset the engine answers as if nothing had happened", async () => {
  engine.reset(); // after the tests above
  const before = await reply(engine, [5, 6, 7], { sampling: greedy });
  await (await engine.meter()).decode(10, { ms: 100, samples: 1 });
  engine.reset();
  expect(await reply(engine, [5, 6, 7], { sampling: greedy })).toEqual(before);
});

test("a model of random weights computes sound numbers", async () => {
  const random = await Engine.load(gpu, randomCheckpoint("stories15M", shapeNamed("stories15M", 2)), { maxRows: 4, maxHeadRows: 4 });
  const logits = await logitsOf(random, [1, 2, 3, 4], 4);
  expect(logits.every(Number.isFinite)).toBe(true);
  const size = Math.sqrt(logits.reduce((sum, x) => sum + x * x, 0) / logits.length);
  expect(size).toBeGreaterThan(0.1);
  expect(size).toBeLessThan(10);
  random.dispose();
});
