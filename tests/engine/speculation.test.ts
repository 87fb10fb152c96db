// The promise that all of it rests on: the reply with speculation is the reply without it, token for token, and so is what comes after.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Engine } from "../../src/engine/engine";
import type { SamplingParams } from "../../src/kernels/sample";
import type { Drafter } from "../../src/speculate/drafter";
import { Speculator } from "../../src/speculate/speculator";
import { useGpu } from "../setup/gpu";
import { greedy, openFixture, reply } from "../setup/models";
import { Muddled, Oracle, Wrong } from "../speculate/drafters";

const bench = useGpu();

const warm = { ...greedy, temperature: 0.8, topK: 30, topP: 0.95, seed: 11n };
const penalised = { ...warm, repetitionPenalty: 1.3, presencePenalty: 0.4, frequencyPenalty: 0.2, seed: 12n };
const samplings: readonly SamplingParams[] = [greedy, warm, penalised];

const prompt = Array.from({ length: 19 }, (_, i) => 5 + ((i * 11) % 40));

describe.each([
  ["lfm2-gqa4-bf16", "w8a8"],
  ["llama-tied-bf16", "w8a8"],
] as const)("%s in %s", (name, precision) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.load(bench.gpu, await openFixture(name), { precision, maxRows: 16, maxHeadRows: 16, contextLength: 64 });
  });
  afterAll(() => engine.dispose());

  const plain = async (tokens: readonly number[], sampling: SamplingParams, maxTokens = 24) => {
    engine.reset();
    return reply(engine, tokens, { sampling, maxTokens });
  };
  /** The reply of plain decoding by one of `samplings`, as far as these tests look; decoded once. */
  const written = new Map<SamplingParams, Promise<readonly number[]>>();
  const expected = (sampling: SamplingParams) => {
    const known = written.get(sampling) ?? plain(prompt, sampling).then(({ tokens }) => tokens);
    written.set(sampling, known);
    return known;
  };
  const speculating = async (drafter: Drafter, sampling: SamplingParams, fixedDrafts = 7, maxTokens = 24) => {
    engine.reset();
    const speculator = new Speculator([drafter], { fixedDrafts });
    const { tokens, summary } = await reply(engine, prompt, { sampling, maxTokens, speculator });
    return { tokens, summary, stats: speculator.stats };
  };

  test("an oracle is always right, and takes a pass for each tree", { timeout: 120_000 }, () =>
    bench.run(async () => {
      for (const sampling of samplings) {
        const tokens = await expected(sampling);
        const fast = await speculating(new Oracle([...prompt, ...tokens]), sampling);
        expect(fast.tokens).toEqual(tokens);
        expect(fast.stats.accepted).toBe(fast.stats.proposed);
        // Of 24 tokens the first is drawn with the prompt, and a round gives 8.
        expect(fast.stats.rounds).toBe(3);
        expect(fast.summary?.passes).toBe(4);
        expect(fast.stats.proposed).toBe(7 + 7 + 6); // none where the reply cannot go
      }
    }),
  );

  test("a drafter that is always wrong costs passes, and changes nothing", { timeout: 120_000 }, () =>
    bench.run(async () => {
      for (const sampling of samplings) {
        const tokens = await expected(sampling);
        const slow = await speculating(new Wrong([...prompt, ...tokens], 64), sampling, 7, 14);
        expect(slow.tokens).toEqual(tokens.slice(0, 14));
        expect(slow.stats.accepted).toBe(0);
        expect(slow.stats.rounds).toBeGreaterThan(10);
      }
    }),
  );

  test("trees that branch and walks that end anywhere change nothing", { timeout: 120_000 }, () =>
    bench.run(async () => {
      for (const sampling of samplings) {
        const tokens = await expected(sampling);
        for (const [fixedDrafts, length] of [
          [1, 24],
          [4, 20],
          [15, 16],
        ] as const) {
          const some = await speculating(new Muddled([...prompt, ...tokens], 64), sampling, fixedDrafts, length);
          expect(some.tokens, `${fixedDrafts} drafts, seed ${sampling.seed}`).toEqual(tokens.slice(0, length));
          expect(some.stats.accepted).toBeGreaterThan(0);
          expect(some.stats.accepted).toBeLessThan(some.stats.proposed);
        }
      }
    }),
  );

  test("what was drawn plainly before a round counts for the penalties behind it", { timeout: 120_000 }, () =>
    bench.run(async () => {
      for (const penalty of [0.3, 1]) {
        const often = { ...greedy, frequencyPenalty: penalty }; // tokens take turns, and which one is next hangs on every count
        const { tokens } = await plain(prompt, often);
        const late = new (class extends Oracle {
          override propose(path: readonly number[]) {
            return this.text.length < prompt.length + 10 ? [] : super.propose(path);
          }
        })([...prompt, ...tokens]);
        const fast = await speculating(late, often, 3);
        expect(fast.tokens).toEqual(tokens);
        expect(fast.stats.rounds).toBeGreaterThan(2);
      }
    }),
  );

  test("limits, end tokens and the end of the context cut at the right token", { timeout: 120_000 }, () =>
    bench.run(async () => {
      const whole = await plain(prompt, warm, 1000);
      expect(whole.summary?.reason).toBe("context");
      const drafter = () => new Muddled([...prompt, ...whole.tokens], 64);
      const full = await speculating(drafter(), warm, 15, 1000);
      expect(full.tokens).toEqual(whole.tokens);
      expect(full.summary?.reason).toBe("context");
      for (const maxTokens of [1, 2, 3, 7, 8, 9]) {
        const cut = await speculating(drafter(), warm, 7, maxTokens);
        expect(cut.tokens).toEqual(whole.tokens.slice(0, maxTokens));
        expect(cut.summary?.reason).toBe("length");
      }
      for (const at of [3, 5, 9, 14]) {
        const end = whole.tokens[at] ?? -1;
        engine.reset();
        const speculator = new Speculator([drafter()], { fixedDrafts: 7 });
        const ended = await reply(engine, prompt, { sampling: warm, maxTokens: 24, endTokens: [end], speculator });
        expect(ended.tokens).toEqual(whole.tokens.slice(0, whole.tokens.indexOf(end) + 1));
        engine.reset();
        const plainly = await reply(engine, prompt, { sampling: warm, maxTokens: 24, endTokens: [end] });
        expect(plainly.summary?.passes, "the pass that was under way drew nothing of the reply").toBe(plainly.tokens.length);
        expect(ended.summary?.reason).toBe("stop");
      }
    }),
  );

  test("what the figures say was accepted is in the reply, also where it ends in the middle of a round", { timeout: 120_000 }, () =>
    bench.run(async () => {
      const whole = await expected(warm);
      for (const at of [3, 5, 9, 14]) {
        const end = whole[at] ?? -1;
        engine.reset();
        const speculator = new Speculator([new Oracle([...prompt, ...whole])], { fixedDrafts: 7 });
        const ended = await reply(engine, prompt, { sampling: warm, maxTokens: 24, endTokens: [end], speculator });
        // The first token is the prompt's pass's own.
        expect(1 + speculator.stats.roundTokens, `ends at ${ended.tokens.length}`).toBe(ended.tokens.length);
      }
    }),
  );

  test("a speculator hears which plain tokens stood in a run, whose time is that of plain decoding", { timeout: 120_000 }, () =>
    bench.run(async () => {
      const whole = await expected(warm);
      engine.reset();
      const heard: boolean[] = [];
      const speculator = new (class extends Speculator {
        override sawPlain(token: number, isPaced: boolean): void {
          heard.push(isPaced);
          super.sawPlain(token, isPaced);
        }
      })([new Oracle([...prompt, ...whole.slice(0, 10)])], { fixedDrafts: 4 });
      await reply(engine, prompt, { sampling: warm, maxTokens: 14, speculator });
      // The first comes with the prompt, two rounds of five bring the next ten; those behind them are plain.
      expect(heard).toEqual([false, true, true]);
    }),
  );

  test("a token's origin is who drafted it", { timeout: 120_000 }, () =>
    bench.run(async () => {
      const whole = await expected(warm);
      engine.reset();
      const speculator = new Speculator([new Oracle([...prompt, ...whole])], { fixedDrafts: 4 });
      const drawn = engine.generate({ tokens: prompt, sampling: warm, maxTokens: 11, endTokens: new Set(), speculator });
      const round = ["draft", "draft", "draft", "draft", "model"];
      const origins: string[] = [];
      for await (const { origin } of drawn) origins.push(origin);
      expect(origins).toEqual(["model", ...round, ...round]);
    }),
  );

  test("what is left in the caches is what plain decoding leaves there, wherever a reply is broken off", { timeout: 120_000 }, () =>
    bench.run(async () => {
      const tokens = await expected(warm);
      for (const [how, count] of [
        ["stopAfter", 2],
        ["abortAfter", 3],
        ["stopAfter", 5],
        ["abortAfter", 6],
        ["stopAfter", 11],
      ] as const) {
        const next = [...prompt, ...tokens.slice(0, count), 9, 8, 7];
        const expected = await plain(next, warm, 8);
        engine.reset();
        const speculator = new Speculator([new Muddled([...prompt, ...tokens], 64)], { fixedDrafts: 11 });
        const broken = await reply(engine, prompt, { sampling: warm, maxTokens: 24, speculator, [how]: count });
        expect(broken.tokens).toEqual(tokens.slice(0, count));
        expect(broken.summary?.reason).toBe(how === "abortAfter" ? "aborted" : undefined);
        const after = await reply(engine, next, { sampling: warm, maxTokens: 8 });
        expect(after.tokens, `${how} ${count}`).toEqual(expected.tokens);
        expect(after.summary?.cachedTokens, `${how} ${count}`).toBeGreaterThanOrEqual(prompt.length + count - 1);
      }
    }),
  );
});
