// What a model takes: on the GPU weights, caches and little else; in the page's heap, and on the way to the GPU, a few pieces of weights at a time.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { SHAPES, shapeNamed } from "../../src/cli/shapes";
import { randomCheckpoint } from "../../src/engine/random_checkpoint";
import { Runner } from "../../src/engine/runner";
import { heaviestShapes, Trial } from "../../src/engine/trial";
import type { Gpu } from "../../src/gpu/device";
import { parseModel } from "../../src/models/registry";
import type { WeightPrecision } from "../../src/models/weights";
import type { Checkpoint } from "../../src/weights/source";
import { paperGpu } from "../setup/paper_gpu";

const MIB = 2 ** 20;

const paper = () => paperGpu({ packedDot: true, software: false });

function load(checkpoint: Checkpoint, context = 4096, precision: WeightPrecision = "w8a8", gpu = paper()): Promise<Runner> {
  const model = parseModel(checkpoint.config);
  const { maxPositions, vocabularySize } = model.shape;
  return Runner.load(gpu, model, checkpoint, {
    precision,
    cacheType: "int8",
    context: Math.min(context, maxPositions),
    maxRows: 256,
    maxHeadRows: 16,
    live: vocabularySize,
    onWeights: () => {},
    onCompiled: () => {},
  });
}

/** The shape with the same few bytes for every tensor, since only their count matters. */
function sparing(name: string, precision: "w8a8" | "w4a8" = "w8a8"): Checkpoint {
  const checkpoint = randomCheckpoint(name, shapeNamed(name), precision);
  const zeros = new ArrayBuffer(8 * MIB);
  return {
    ...checkpoint,
    async tensor(tensor, from = 0, to) {
      const { shape, end } = checkpoint.tensors.get(tensor)!;
      const rows = shape[0] ?? 0;
      return new Uint8Array(zeros, 0, ((to ?? rows) - from) * (end / rows));
    },
  };
}

test.each(Object.keys(SHAPES))("%s: at most 64 MiB beside its weights and caches", async (name) => {
  const checkpoint = sparing(name);
  const { weights, cache, scratch } = (await load(checkpoint)).memory;
  expect(weights).toBeGreaterThanOrEqual(checkpoint.bytes);
  expect(weights).toBeLessThan(checkpoint.bytes * 1.001 + MIB);
  expect(scratch).toBeLessThanOrEqual(64 * MIB);
  // Keys and values in INT8 with a scale a head, so about half of what 16-bit floats take.
  const longer = (await load(checkpoint, 8192)).memory;
  const { config } = shapeNamed(name);
  const number = (key: string) => Number(config[key]);
  const types = config["layer_types"];
  const layers = Array.isArray(types) ? types.filter((type) => type === "full_attention").length : number("num_hidden_layers");
  const headDim = Number(config["head_dim"] ?? number("hidden_size") / number("num_attention_heads"));
  const perToken = 2 * layers * number("num_key_value_heads") * (headDim + 4);
  const positions = Math.min(8192, number("max_position_embeddings")) - Math.min(4096, number("max_position_embeddings"));
  expect(longer.cache - cache).toBe(perToken * positions);
  // Nor as many as the model was made for, up to 131,072: what is kept of each position is in the cache.
  const longest = (await load(checkpoint, number("max_position_embeddings"))).memory;
  expect(longest.scratch).toBeLessThanOrEqual(64 * MIB);
});

test.each(Object.keys(SHAPES))("%s: W4A8 halves the weights but for the table, which stays INT8", async (name) => {
  const table = Number(shapeNamed(name).config["vocab_size"]) * Number(shapeNamed(name).config["hidden_size"]);
  const [eight, four] = await Promise.all(
    (["w8a8", "w4a8"] as const).map(async (precision) => (await load(sparing(name, precision), 4096, precision)).memory.weights - table),
  );
  // A code, a 64th of a byte for its group's scale, the same scales of channels and norms.
  expect(four! / eight!).toBeGreaterThan(0.51);
  expect(four! / eight!).toBeLessThan(0.55);
});

test("the heap holds a few pieces of weights at a time, whatever the model's size", async () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  const checkpoint = randomCheckpoint("stories42M", shapeNamed("stories42M"));
  expect(checkpoint.bytes).toBeGreaterThan(40 * MIB);
  const given: WeakRef<ArrayBuffer>[] = [];
  let most = 0;
  let total = 0;
  await load({
    ...checkpoint,
    async tensor(...args) {
      // What was given before and is held no more goes now; a task of its own, for a WeakRef that was looked at holds on until the task's end.
      await new Promise((resolve) => setImmediate(resolve));
      gc();
      const bytes = await checkpoint.tensor(...args);
      given.push(new WeakRef(bytes.buffer));
      total += bytes.length;
      most = Math.max(
        most,
        given.reduce((sum, reference) => sum + (reference.deref()?.byteLength ?? 0), 0),
      );
      return bytes;
    },
  });
  expect(total).toBeGreaterThanOrEqual(checkpoint.bytes * 0.99);
  expect(most).toBeGreaterThanOrEqual(3 * MIB);
  expect(most).toBeLessThanOrEqual(12 * MIB);
});

/** A GPU that takes what is written to it late: so much the browser holds copies of. */
function slow(): { readonly gpu: Gpu; readonly most: () => number } {
  const gpu = paper();
  let written = 0;
  let taken = 0;
  let most = 0;
  Object.assign(gpu.device.queue, {
    writeBuffer: (_buffer: unknown, _offset: number, data: ArrayBuffer, _from = 0, size = data.byteLength) => {
      written += size;
      most = Math.max(most, written - taken);
    },
    onSubmittedWorkDone: async () => {
      const before = written;
      await new Promise((resolve) => setTimeout(resolve, 10));
      taken = before;
    },
  });
  return { gpu, most: () => most };
}

test.each(["w8a8", "w4a8"] as const)("%s: a few pieces of weights are on their way to the GPU at a time", async (precision) => {
  const { gpu, most } = slow();
  await load(sparing("stories110M", precision), 256, precision, gpu);
  expect(most()).toBeGreaterThan(4 * MIB);
  expect(most()).toBeLessThanOrEqual(16 * MIB);
});

test.each(["int8", "int4"] as const)("what %s products are tried on is made on the GPU", (weights) => {
  const { gpu, most } = slow();
  const { linears } = parseModel(shapeNamed("LFM2.5-1.2B").config);
  new Trial(gpu, heaviestShapes(linears), { weights, epsilon: 1e-5 }).dispose();
  expect(most()).toBeGreaterThan(0);
  expect(most()).toBeLessThanOrEqual(8 * MIB);
});
