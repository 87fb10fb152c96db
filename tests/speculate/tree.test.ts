import fc from "fast-check";
import { expect, test } from "vitest";
import { walk } from "../../src/speculate/accept";
import type { Candidate, Drafter, DrafterName } from "../../src/speculate/drafter";
import { noise } from "../../src/speculate/gumbel";
import { type Growing, growTree, treeOf } from "../../src/speculate/tree";
import { rules } from "./toy";

const greedy = { ...rules, temperature: 0, seed: 5n };

function drafter(name: DrafterName, propose: (path: readonly number[]) => readonly Candidate[]): Drafter {
  return { name, propose, reset: () => {}, append: () => {} };
}

function growing(change: Partial<Growing> = {}): Growing {
  const chanceOf = ({ probability }: { readonly probability: number }) => probability;
  return { position: 10, draws: greedy, countOf: () => 0, maxDrafts: 15, maxDepth: 15, chanceOf, ...change };
}

const steady = (tokens: Readonly<Record<number, number>>) =>
  drafter("ngram", () => Object.entries(tokens).map(([token, probability]) => ({ token: Number(token), probability })));

test("the drafts that are likeliest to be reached come first, and a parent before its children", () => {
  const drafts = growTree([steady({ 1: 0.6, 2: 0.3 })], growing({ maxDrafts: 6 }));
  expect(drafts.map(({ reach }) => Number(reach.toFixed(4)))).toEqual([0.6, 0.36, 0.3, 0.216, 0.18, 0.18]);
  drafts.forEach(({ parent, depth }, i) => {
    expect(parent).toBeLessThanOrEqual(i);
    expect(depth).toBe(parent === 0 ? 1 : (drafts[parent - 1]?.depth ?? 0) + 1);
  });
});

test("rows go depth first", () => {
  const { tokens, parents } = treeOf(9, growTree([steady({ 1: 0.6, 2: 0.3 })], growing({ maxDrafts: 4 })));
  expect(tokens).toEqual([9, 1, 1, 1, 2]);
  expect(parents).toEqual([0, 0, 1, 2, 0]);
});

test("what two drafters propose is one draft, and both are told of it, the more trusted first", () => {
  const two = [drafter("suffix", () => [{ token: 3, probability: 0.2 }]), drafter("ngram", () => [{ token: 3, probability: 0.7 }])];
  const [draft, ...others] = growTree(two, growing({ maxDepth: 1 }));
  expect(others).toEqual([]);
  expect(draft?.sources.map((source) => source.drafter)).toEqual(["ngram", "suffix"]);
  expect(draft?.reach).toBe(0.7);
});

test("who draws with the noise already is not drawn from once more", () => {
  const candidates = [4, 3, 2, 1].map((token) => ({ token, probability: token === 4 ? 0.1 : 0.3 }));
  const ranked = { ...drafter("draft", () => candidates), isRanked: true };
  const drafts = growTree([ranked], growing({ maxDepth: 1 }));
  const ranks = new Map(drafts.map(({ token, sources }) => [token, sources[0]?.rank]));
  expect([4, 3, 2, 1].map((token) => ranks.get(token))).toEqual([0, 1, 2, 3]);
});

test("children are ranked by log q + g with the noise of their own position", () => {
  const draws = { ...greedy, temperature: 1 };
  const drafts = growTree(
    [steady({ 1: 0.25, 2: 0.25, 3: 0.25, 4: 0.25 })],
    growing({ draws, maxDrafts: 8, chanceOf: ({ rank }) => 0.9 - rank / 10 }),
  );
  for (const depth of [1, 2]) {
    const best = [1, 2, 3, 4].toSorted((a, b) => noise(5n, 10 + depth, b) - noise(5n, 10 + depth, a))[0];
    const first = drafts.find((draft) => draft.depth === depth && draft.sources[0]?.rank === 0);
    expect(first?.token).toBe(best);
  }
});

test("filters drop drafts, and penalties count along a draft's own path", () => {
  const draws = { ...greedy, temperature: 1, topK: 1 };
  expect(growTree([steady({ 1: 0.6, 2: 0.3 })], growing({ draws, maxDepth: 1 })).map(({ token }) => token)).toEqual([1]);
  const penalised = { ...greedy, frequencyPenalty: 1 };
  const drafts = growTree(
    [steady({ 1: 0.6, 2: 0.3 })],
    growing({ draws: penalised, maxDrafts: 2, chanceOf: ({ rank }) => 0.9 - rank * 0.8 }),
  );
  expect(drafts.map(({ token }) => token)).toEqual([1, 2]); // once it stands in the path, the first is worth less than the second
});

test("nothing to say, no room and no depth give no tree", () => {
  expect(growTree([drafter("suffix", () => [])], growing({ draws: { ...greedy, temperature: 1 } }))).toEqual([]);
  expect(growTree([steady({ 1: 0.6 })], growing({ maxDrafts: 0 }))).toEqual([]);
  expect(growTree([steady({ 1: 0.6 })], growing({ maxDepth: 0 }))).toEqual([]);
});

test("a walk follows what the model drew, and ends with a token of the model's own", () => {
  const tree = { tokens: [9, 1, 2, 3, 4], parents: [0, 0, 1, 1, 0] };
  expect(walk(tree, [1, 3, 0, 7, 0])).toEqual({ rows: [0, 1, 3], tokens: [1, 3, 7] });
  expect(walk(tree, [5, 1, 1, 1, 1])).toEqual({ rows: [0], tokens: [5] });
  expect(walk(tree, [4, 0, 0, 0, 9])).toEqual({ rows: [0, 4], tokens: [4, 9] });
});

test("whatever is drafted, rounds give the text that the model writes alone", () => {
  const next = (text: readonly number[]) => text.reduce((sum, token, i) => (sum * 31 + token * (i + 1)) % 7, 3);
  fc.assert(
    fc.property(fc.array(fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 4 }), { minLength: 1, maxLength: 9 }), (guesses) => {
      const plain = [1];
      while (plain.length < 40) plain.push(next(plain));
      const text = [1, next([1])];
      while (text.length < 40) {
        const some = drafter("suffix", (path) =>
          [...new Set(guesses[(text.length + path.length) % guesses.length])].map((token) => ({ token, probability: 0.2 })),
        );
        const tree = treeOf(text.at(-1) ?? 0, growTree([some], growing()));
        const paths: number[][] = [];
        const sampled = tree.tokens.map((token, row) => {
          const path = row === 0 ? [] : [...(paths[tree.parents[row] ?? 0] ?? []), token];
          paths.push(path);
          return next([...text, ...path]);
        });
        text.push(...walk(tree, sampled).tokens);
      }
      expect(text.slice(0, 40)).toEqual(plain);
    }),
  );
});
