// What the engine is built on: a row's numbers never depend on the rows beside it.
import { expect, test } from "vitest";
import { Engine } from "../../src/engine/engine";
import { useGpu } from "../setup/gpu";
import { logitsOf, openFixture } from "../setup/models";

const bench = useGpu();

// lfm2-long has several key chunks; stories260k has widths that are no multiple of 16.
test.each([
  ["w8a8", "lfm2-long-bf16", 140],
  ["w8a8", "lfm2-odd-heads-f16", 40],
  ["w8a8", "stories260k", 40],
  ["w8a8", "llama-untied-f32", 40],
  ["w4a8", "lfm2-gqa4-bf16", 40],
] as const)(
  "%s logits of %s are equal bit for bit, alone, in batches, and inside a prefill chunk",
  (precision, name, count) =>
    bench.run(async () => {
      const checkpoint = await openFixture(name);
      const engine = await Engine.load(bench.gpu, checkpoint, { precision, maxRows: 64, maxHeadRows: 64 });
      const tokens = Array.from({ length: count }, (_, i) => 3 + ((i * 7) % (engine.shape.vocabularySize - 3)));
      const alone = await logitsOf(engine, tokens, 1);
      expect(alone.some((x) => x !== 0)).toBe(true);
      expect(alone.every(Number.isFinite)).toBe(true);
      for (const rows of [2, 3, 5, 8, 16, 64]) expect(await logitsOf(engine, tokens, rows), `${rows} rows`).toEqual(alone);
      engine.dispose();
    }),
  120_000,
);
