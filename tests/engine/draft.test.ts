// A model that drafts for a larger one: what it proposes is what it would write itself, and the larger model's reply stays what it is.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DRAFT_CANDIDATES, DraftModel } from "../../src/engine/draft_model";
import { Engine } from "../../src/engine/engine";
import type { SamplingParams } from "../../src/kernels/sample";
import { Speculator } from "../../src/speculate/speculator";
import { countCalls } from "../setup/counted";
import { useGpu } from "../setup/gpu";
import { greedy, openFixture, reply } from "../setup/models";

const bench = useGpu();

const warm = { ...greedy, temperature: 0.8, topK: 30, topP: 0.95, seed: 11n };
const penalised = { ...warm, repetitionPenalty: 1.3, presencePenalty: 0.4, frequencyPenalty: 0.2, seed: 12n };
const samplings: readonly SamplingParams[] = [greedy, warm, penalised];

const prompt = Array.from({ length: 19 }, (_, i) => 5 + ((i * 11) % 40));

const open = async (name: string, candidates = 1) =>
  Engine.load(bench.gpu, await openFixture(name), { maxRows: 16, maxHeadRows: 16, contextLength: 96, candidates });

// One family has recurrent states, which cannot be taken back, the other only keys and values.
describe.each([
  ["lfm2-gqa4-bf16", true],
  ["llama-tied-bf16", false],
] as const)("%s", (name, isRecurrent) => {
  let target: Engine;
  let drafting: Engine;
  beforeAll(async () => {
    target = await open(name);
    drafting = await open(name, DRAFT_CANDIDATES);
  });
  afterAll(() => {
    target.dispose();
    drafting.dispose();
  });

  const plain = async (tokens: readonly number[], sampling: SamplingParams, maxTokens: number) => {
    target.reset();
    return (await reply(target, tokens, { sampling, maxTokens })).tokens;
  };

  test("drafts what it would write, however the text went on from the drafts before", () =>
    bench.run(async () => {
      for (const sampling of samplings) {
        const expected = await plain(prompt, sampling, 12);
        drafting.beginDrafts(prompt, sampling);
        const best = async (text: readonly number[], fresh: readonly number[], steps: number) =>
          (await drafting.draft(text, fresh, steps)).map(([token]) => token);
        expect(await best(prompt, [], 4)).toEqual(expected.slice(0, 4));
        // All of them were right, and so was the token behind them; then only the first; then none.
        const right = [...prompt, ...expected.slice(0, 5)];
        expect(drafting.unread(right)).toBe(2); // the last draft, which was drawn but not fed, and the token behind it
        expect(await best(right, expected.slice(0, 5), 5)).toEqual(expected.slice(5, 10));
        const partly = [...expected.slice(5, 6), 9, 8];
        expect(drafting.unread([...right, ...partly])).toBe(isRecurrent ? 3 : 2);
        const behindPartly = await best([...right, ...partly], partly, 6);
        const none = [7];
        const behindNone = await best([...right, ...partly, ...none], none, 1);
        // As if all of it stood there from the beginning; for the penalties only what follows the prompt counts as reply.
        const fresh = await open(name, DRAFT_CANDIDATES);
        fresh.beginDrafts(prompt, sampling);
        const all = [...expected.slice(0, 5), ...partly];
        expect(behindPartly).toEqual((await fresh.draft([...prompt, ...all], all, 6)).map(([token]) => token));
        expect(behindNone).toEqual((await fresh.draft([...prompt, ...all, ...none], none, 1)).map(([token]) => token));
        fresh.dispose();
      }
    }));

  test("candidates are different tokens, and a filter that leaves one leaves one", () =>
    bench.run(async () => {
      drafting.beginDrafts(prompt, { ...warm, topK: 0, topP: 1 });
      for (const candidates of await drafting.draft(prompt, [], 3)) {
        expect(candidates).toHaveLength(DRAFT_CANDIDATES);
        expect(new Set(candidates).size).toBe(DRAFT_CANDIDATES);
      }
      drafting.beginDrafts(prompt, { ...warm, topK: 1 });
      for (const candidates of await drafting.draft(prompt, [], 3)) expect(candidates).toHaveLength(1);
    }));

  test("all draft steps of a round are one submit where one may take that long", () =>
    bench.run(async () => {
      const calls = countCalls(bench.gpu.device);
      try {
        drafting.reset();
        drafting.beginDrafts(prompt, warm);
        await drafting.draft(prompt.slice(0, 12), [], 8);
        const before = calls.now().submit;
        await drafting.draft(prompt.slice(0, 12), [], 8); // goes back to the state behind the text first
        expect(before).toBe(2); // clears the states, drafts
        expect(calls.now().submit - before).toBeLessThanOrEqual(2);
      } finally {
        calls.stop();
      }
    }));

  test("a draft model that is the model itself is always right; the reply is the same", () =>
    bench.run(async () => {
      for (const sampling of samplings) {
        const expected = await plain(prompt, sampling, 24);
        for (const fixedDrafts of [1, 6]) {
          target.reset();
          const speculator = new Speculator([], { ahead: new DraftModel(drafting), fixedDrafts });
          const { tokens } = await reply(target, prompt, { sampling, maxTokens: 24, speculator });
          expect(tokens).toEqual(expected);
          const { byDepth, proposed } = speculator.stats;
          expect(proposed).toBeGreaterThan(8);
          // Only the siblings beside the best can be wrong.
          expect(byDepth[0]?.accepted).toBe(speculator.stats.rounds);
        }
      }
    }));
});

test("a draft model of another kind is often wrong, and the reply is the same", () =>
  bench.run(async () => {
    const target = await open("lfm2-gqa4-bf16");
    const drafting = await open("llama-tied-bf16", DRAFT_CANDIDATES);
    for (const sampling of samplings) {
      const { tokens: expected } = await reply(target, prompt, { sampling, maxTokens: 24 });
      target.reset();
      const speculator = new Speculator([], { ahead: new DraftModel(drafting), fixedDrafts: 6 });
      const { tokens } = await reply(target, prompt, { sampling, maxTokens: 24, speculator });
      target.reset();
      expect(tokens).toEqual(expected);
      expect(speculator.stats.proposed).toBeGreaterThan(speculator.stats.accepted);
    }
    target.dispose();
    drafting.dispose();
  }));

test("where a screen waits and steps are not known to be short, they are several submits, and draft the same", { timeout: 120_000 }, () =>
  bench.run(async ({ gpu }) => {
    const options = { maxRows: 16, maxHeadRows: 1, contextLength: 96, candidates: DRAFT_CANDIDATES } as const;
    const watched = await Engine.load({ ...gpu, software: false }, await openFixture("lfm2-gqa4-bf16"), options);
    watched.beginDrafts(prompt, warm);
    const calls = countCalls(gpu.device);
    const drafts = await watched.draft(prompt.slice(0, 12), [], 8);
    expect(calls.stop().submit).toBe(8); // of steps nothing is known yet
    const { tokens } = await reply(watched, prompt.slice(0, 12), { sampling: warm, maxTokens: 8 });
    expect(drafts.map(([token]) => token)).toEqual(tokens);
    watched.dispose();
  }),
);
