import { describe, expect, test } from "vitest";
import { Engine } from "../../src/engine/engine";
import { sampleReference } from "../../src/kernels/sample.reference";
import { inPrompt } from "../../src/speculate/filters";
import { useGpu } from "../setup/gpu";
import { greedy, logitsOf, openFixture, reply } from "../setup/models";

const bench = useGpu();

/** One engine for all tests of a family, since loading is the slow part; each test begins with an empty cache. */
function share(name: string) {
  let engine: Promise<Engine> | null = null;
  return async () => {
    engine ??= openFixture(name).then((checkpoint) =>
      Engine.load(bench.gpu, checkpoint, { precision: "w8a8", maxRows: 8, maxHeadRows: 8, contextLength: 48 }),
    );
    const loaded = await engine;
    loaded.reset();
    return loaded;
  };
}

const prompt = Array.from({ length: 19 }, (_, i) => 5 + ((i * 11) % 40)); // three chunks of at most 8

describe.each(["lfm2-gqa4-bf16", "llama-tied-bf16"])("%s", (name) => {
  const open = share(name);

  test(
    "draws what the reference draws from the same logits, greedy and sampled",
    () =>
      bench.run(async () => {
        const engine = await open();
        const warm = { ...greedy, temperature: 0.9, topK: 30, topP: 0.95, minP: 0.01, repetitionPenalty: 1.1, seed: 12345678901234567890n };
        for (const sampling of [greedy, warm]) {
          engine.reset();
          const { tokens, summary } = await reply(engine, prompt, { sampling });
          expect(summary).toMatchObject({ reason: "length", cachedTokens: 0 });
          const all = [...prompt, ...tokens];
          const logits = await logitsOf(engine, all, 1);
          const { vocabularySize } = engine.shape;
          const counts = new Uint32Array(vocabularySize);
          for (const token of prompt) counts[token] = inPrompt;
          for (let position = prompt.length; position < all.length; position++) {
            const row = logits.slice((position - 1) * vocabularySize, position * vocabularySize);
            const token = all[position] ?? -1;
            expect(sampleReference(row, counts, sampling, position)).toBe(token);
            counts[token] = (counts[token] ?? 0) + 1;
          }
        }
      }),
    60_000,
  );

  test(
    "the caches change nothing: a longer prompt, the same again, an edited one, after an abort",
    () =>
      bench.run(async () => {
        const engine = await open();
        const fresh = async (tokens: readonly number[]) => {
          engine.reset();
          return (await reply(engine, tokens)).tokens;
        };
        const longer = [...prompt, 7, 9, 11];
        const edited = [...prompt, 8, 9, 10, 11];
        const expected = { prompt: await fresh(prompt), longer: await fresh(longer), edited: await fresh(edited) };

        engine.reset();
        await reply(engine, prompt, { maxTokens: 1 });
        const second = await reply(engine, longer);
        expect(second.tokens).toEqual(expected.longer);
        expect(second.summary?.cachedTokens).toBe(prompt.length);

        // Again: all but the last token could be kept, but a convolution only goes back to where this prompt began to differ.
        const again = await reply(engine, longer);
        expect(again.tokens).toEqual(expected.longer);
        expect(again.summary?.cachedTokens).toBe(name.startsWith("llama") ? longer.length - 1 : prompt.length);

        expect((await reply(engine, edited)).tokens).toEqual(expected.edited);
        await reply(engine, prompt, { stopAfter: 3 });
        expect((await reply(engine, longer)).tokens).toEqual(expected.longer);
        expect((await reply(engine, prompt)).tokens).toEqual(expected.prompt);
      }),
    60_000,
  );

  test(
    "a reply goes on from the last one's own tokens without feeding them again",
    () =>
      bench.run(async () => {
        const engine = await open();
        const first = await reply(engine, prompt, { maxTokens: 6 });
        const next = [...prompt, ...first.tokens, 12, 13];
        const second = await reply(engine, next);
        // All but the reply's last token, which was drawn but never fed.
        expect(second.summary?.cachedTokens).toBe(prompt.length + 5);
        engine.reset();
        expect((await reply(engine, next)).tokens).toEqual(second.tokens);
      }),
    60_000,
  );

  test(
    "ends at an end token, at the limit, at the end of the context, and when told to",
    () =>
      bench.run(async () => {
        const engine = await open();
        const { tokens } = await reply(engine, prompt);
        const end = tokens[3] ?? -1;
        const stopped = await reply(engine, prompt, { endTokens: [end] });
        expect(stopped.tokens).toEqual(tokens.slice(0, tokens.indexOf(end) + 1));
        expect(stopped.summary?.reason).toBe("stop");
        expect((await reply(engine, prompt, { maxTokens: 1 })).summary?.reason).toBe("length");

        const full = await reply(engine, prompt, { maxTokens: 1000 });
        expect(full.summary?.reason).toBe("context");
        // The last position is fed, and what it draws is the last token.
        expect(full.tokens.length).toBe(engine.contextLength - prompt.length + 1);

        const controller = new AbortController();
        controller.abort();
        const aborted = await reply(engine, [...prompt].reverse(), { signal: controller.signal });
        expect(aborted.summary?.reason).toBe("aborted");
      }),
    60_000,
  );

  test(
    "once a pass has failed, nothing in the caches is trusted",
    () =>
      bench.run(async () => {
        const engine = await open();
        const { tokens } = await reply(engine, prompt);
        const all = [...prompt, ...tokens];
        const { queue } = bench.gpu.device;
        engine.reset();
        const submit = queue.submit.bind(queue);
        let left = 6;
        Object.defineProperty(queue, "submit", {
          configurable: true,
          value(buffers: GPUCommandBuffer[]) {
            if (left-- > 0) submit(buffers);
            else throw new Error("no more");
          },
        });
        try {
          await expect(reply(engine, prompt)).rejects.toThrow("no more");
        } finally {
          Reflect.deleteProperty(queue, "submit");
        }
        const after = await reply(engine, all, { maxTokens: 6 });
        expect(after.summary?.cachedTokens).toBe(0);
        engine.reset();
        expect(after.tokens).toEqual((await reply(engine, all, { maxTokens: 6 })).tokens);
      }),
    60_000,
  );

  test(
    "refuses what it cannot do, and goes on afterwards",
    () =>
      bench.run(async () => {
        const engine = await open();
        const refused = (tokens: readonly number[]) => reply(engine, tokens);
        await expect(refused([])).rejects.toMatchObject({ code: "bad-request" });
        await expect(refused([engine.shape.vocabularySize])).rejects.toMatchObject({ code: "bad-request" });
        await expect(refused(Array.from({ length: 49 }, () => 1))).rejects.toMatchObject({ code: "context-full" });
        await expect(reply(engine, prompt, { sampling: { ...greedy, topP: 2 } })).rejects.toMatchObject({ code: "bad-request" });
        const running = engine.generate({ tokens: prompt, sampling: greedy, maxTokens: 5, endTokens: new Set() });
        await running.next();
        await expect(refused(prompt)).rejects.toMatchObject({ code: "busy" });
        await running.return("aborted");
        expect((await refused(prompt)).tokens.length).toBe(12);
      }),
    60_000,
  );
});
