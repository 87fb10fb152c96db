// What waits beside weights and caches: scratch at long contexts, and bytes that were written and not yet taken.
import { expect, test } from "vitest";
import { SHAPES, shapeNamed } from "../../src/cli/shapes";
import { randomCheckpoint } from "../../src/engine/random_checkpoint";
import { Runner } from "../../src/engine/runner";
import { heaviestShapes, Trial } from "../../src/engine/trial";
import { parseModel } from "../../src/models/registry";
import { paperGpu } from "../setup/paper_gpu";

const MIB = 2 ** 20;
const cases = Object.keys(SHAPES).flatMap((name) => [8192, 32768, 131072].map((context) => [name, context] as const));
test.each(cases)("%s at %i: at most 64 MiB beside weights and caches", async (name, context) => {
  const checkpoint = randomCheckpoint(name, shapeNamed(name));
  const zeros = new ArrayBuffer(8 * MIB);
  const model = parseModel(checkpoint.config);
  const { maxPositions, vocabularySize } = model.shape;
  const runner = await Runner.load(
    paperGpu({ packedDot: true, software: false }),
    model,
    {
      ...checkpoint,
      async tensor(tensor, from = 0, to) {
        const { shape, end } = checkpoint.tensors.get(tensor)!;
        const rows = shape[0] ?? 0;
        return new Uint8Array(zeros, 0, ((to ?? rows) - from) * (end / rows));
      },
    },
    {
      precision: "w8a8",
      cacheType: "int8",
      context: Math.min(context, maxPositions),
      maxRows: 256,
      maxHeadRows: 16,
      live: vocabularySize,
      onWeights: () => {},
      onCompiled: () => {},
    },
  );
  const { scratch } = runner.memory;
  expect(scratch).toBeLessThanOrEqual(64 * MIB);
});

/** A GPU on paper that counts what was written and not yet waited for: so much the browser holds copies of. */
function counted() {
  const gpu = paperGpu({ packedDot: true, software: false });
  let waiting = 0;
  let most = 0;
  Object.assign(gpu.device.queue, {
    writeBuffer: (_buffer: unknown, _offset: number, data: ArrayBuffer, _from = 0, size = data.byteLength) => {
      waiting += size;
      most = Math.max(most, waiting);
    },
    onSubmittedWorkDone: async () => {
      waiting = 0;
    },
  });
  return { gpu, most: () => most };
}

test("a few pieces of weights wait for the GPU at a time", async () => {
  const { gpu, most } = counted();
  const checkpoint = randomCheckpoint("stories110M", shapeNamed("stories110M"));
  const model = parseModel(checkpoint.config);
  await Runner.load(gpu, model, checkpoint, {
    precision: "w8a8",
    cacheType: "int8",
    context: 256,
    maxRows: 256,
    maxHeadRows: 16,
    live: model.shape.vocabularySize,
    onWeights: () => {},
    onCompiled: () => {},
  });
  expect(most()).toBeLessThanOrEqual(16 * MIB);
});

test("a trial's weights likewise", () => {
  const { gpu, most } = counted();
  const { linears } = parseModel(shapeNamed("LFM2.5-1.2B").config);
  const trial = new Trial(gpu, heaviestShapes(linears), { weights: "int8", epsilon: 1e-5 });
  expect(most()).toBeLessThanOrEqual(16 * MIB);
  trial.dispose();
});
