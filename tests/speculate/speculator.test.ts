// What a speculator passes on and learns, without a model: its drafters say what the tests tell them to.
import { expect, test } from "vitest";
import { walk } from "../../src/speculate/accept";
import type { AheadDrafter, Candidate, Drafter, DrafterName } from "../../src/speculate/drafter";
import { Speculator, type SpeculatorOptions } from "../../src/speculate/speculator";
import type { TokenTree } from "../../src/speculate/tree";
import { rules } from "./toy";

const greedy = { ...rules, temperature: 0 };
const reach = { position: 9, maxDepth: 15, maxDrafts: 15 };

function drafter(name: DrafterName, propose: (path: readonly number[]) => readonly Candidate[]): Drafter {
  return { name, propose, reset: () => {}, append: () => {} };
}

/** Says the same at the root, and nothing behind it. */
const sure = (name: DrafterName, ...candidates: readonly Candidate[]) => drafter(name, (path) => (path.length === 0 ? candidates : []));

/** A speculator at the first token of a reply. */
function begun(
  drafters: readonly Drafter[],
  draws = greedy,
  prompt: readonly number[] = [3],
  options: SpeculatorOptions = { fixedDrafts: 15 },
) {
  const speculator = new Speculator(drafters, options);
  speculator.begin(prompt, draws);
  speculator.sawFirst(4);
  return speculator;
}

const drafts = (tree: TokenTree | null) => tree?.tokens.slice(1) ?? [];

test("drafts are penalised for what stands in prompt and reply, as the model's draws are", async () => {
  const two = sure("ngram", { token: 1, probability: 0.4 }, { token: 2, probability: 0.3 });
  const first = async (penalties: Partial<typeof greedy>, prompt: readonly number[], said: readonly number[]) => {
    const speculator = begun([two], { ...greedy, ...penalties }, prompt);
    for (const token of said) speculator.sawPlain(token, true);
    const tree = await speculator.draft(4, reach);
    return tree?.sources.findIndex(([source]) => source?.rank === 0) === 1 ? drafts(tree)[0] : drafts(tree)[1];
  };
  expect(await first({}, [1], [1])).toBe(1);
  expect(await first({ repetitionPenalty: 2 }, [1], [])).toBe(2);
  expect(await first({ repetitionPenalty: 2 }, [], [1])).toBe(2);
  expect(await first({ presencePenalty: 1 }, [1], [])).toBe(1); // counts the reply only
  expect(await first({ presencePenalty: 1 }, [], [1])).toBe(2);
  expect(await first({ frequencyPenalty: 0.2 }, [], [1])).toBe(1);
  expect(await first({ frequencyPenalty: 0.2 }, [], [1, 1])).toBe(2);
});

test("what was kept of a tree counts for the penalties of later drafts", async () => {
  const two = sure("ngram", { token: 1, probability: 0.4 }, { token: 2, probability: 0.3 });
  const speculator = begun([two], { ...greedy, presencePenalty: 1 });
  const tree = await speculator.draft(4, reach);
  expect(drafts(tree)[0]).toBe(1);
  if (tree) speculator.sawRound(tree, walk(tree, [1, 7, 7]));
  expect(drafts(await speculator.draft(7, reach))[0]).toBe(2);
});

test("of a draft whose parent was wrong nobody knows whether it would have been right", async () => {
  let isAtWork = true;
  const suffix = drafter("suffix", (path) => {
    if (!isAtWork) return path.length === 0 ? [{ token: 5, probability: 0.9 }] : [];
    return path.length === 0 ? [{ token: 1, probability: 0.3 }] : path.length === 1 ? [{ token: 2, probability: 0.9 }] : [];
  });
  const speculator = begun([suffix, sure("ngram", { token: 5, probability: 0.85 })]);
  speculator.silence(["ngram"]);
  for (let i = 0; i < 20; i++) {
    const tree = await speculator.draft(4, reach);
    if (tree) speculator.sawRound(tree, walk(tree, [8, 8, 8]));
  }
  isAtWork = false;
  speculator.silence([]);
  const tree = await speculator.draft(4, reach);
  expect(tree?.sources[1]?.map((source) => source.drafter)).toEqual(["suffix", "ngram"]); // 0.9 is still believed
});

test("a smaller model that was wrong is believed again once much was written without it", async () => {
  const ahead: AheadDrafter = {
    ...sure("draft", { token: 5, probability: 0.7 }),
    ...{ claim: 0.7, stepMs: null, backlog: 0, ahead: async () => {} },
  };
  const speculator = begun([sure("ngram", { token: 5, probability: 0.6 })], greedy, [3], { fixedDrafts: 1, ahead });
  const trusted = async () => (await speculator.draft(4, reach))?.sources[1]?.[0]?.drafter;
  expect(await trusted()).toBe("draft");
  speculator.silence(["ngram"]);
  for (let i = 0; i < 20; i++) {
    const tree = await speculator.draft(4, reach);
    if (tree) speculator.sawRound(tree, walk(tree, [8, 8]));
  }
  speculator.silence([]);
  expect(await trusted()).toBe("ngram");
  for (let i = 0; i < 1000; i++) speculator.sawPlain(8, true);
  expect(await trusted()).toBe("draft");
});

test("whoever is silent is not asked, and is asked again afterwards", async () => {
  const speculator = begun([sure("suffix", { token: 1, probability: 0.5 }), sure("personal", { token: 2, probability: 0.5 })]);
  speculator.silence(["personal"]);
  expect(drafts(await speculator.draft(4, reach))).toEqual([1]);
  speculator.silence([]);
  expect(drafts(await speculator.draft(4, reach))).toHaveLength(2);
});

test("a tree has no more drafts than there is room for", async () => {
  const chain = drafter("suffix", () => [{ token: 1, probability: 0.9 }]);
  const speculator = begun([chain]);
  expect(drafts(await speculator.draft(4, { ...reach, maxDrafts: 3 }))).toHaveLength(3);
  expect(drafts(await speculator.draft(4, { ...reach, maxDepth: 2 }))).toHaveLength(2);
  expect(await speculator.draft(4, { ...reach, maxDrafts: 0 })).toBeNull();
});

test("figures are of one reply", async () => {
  const speculator = begun([sure("suffix", { token: 1, probability: 0.5 })]);
  const tree = await speculator.draft(4, reach);
  if (tree) speculator.sawRound(tree, walk(tree, [1, 2]));
  expect(speculator.stats.rounds).toBe(1);
  speculator.begin([3], greedy);
  expect(speculator.stats).toMatchObject({ rounds: 0, proposed: 0, byDrafter: {}, byDepth: [] });
});
