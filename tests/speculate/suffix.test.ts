import fc from "fast-check";
import { expect, test } from "vitest";
import { SuffixDrafter } from "../../src/speculate/suffix";

/** The longest suffix of text and path that stands in the text before its end, by trying them all; and the tokens that followed it there. */
function search(text: readonly number[], path: readonly number[]): { length: number; followers: Set<number> } {
  const whole = [...text, ...path];
  for (let length = whole.length; length > 0; length--) {
    const suffix = whole.slice(whole.length - length);
    const followers = new Set<number>();
    for (let at = 0; at + length < text.length; at++) {
      if (suffix.every((token, i) => token === text[at + i])) followers.add(text[at + length] ?? -1);
    }
    if (followers.size > 0) return { length, followers };
  }
  return { length: 0, followers: new Set() };
}

const few = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 40 });

test("proposes just what followed the longest suffix that stood there before", () => {
  fc.assert(
    fc.property(few, few, fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 5 }), (prompt, reply, path) => {
      const drafter = new SuffixDrafter();
      drafter.reset(prompt);
      for (const token of reply) drafter.append([token]);
      const { length, followers } = search([...prompt, ...reply], path);
      const proposed = drafter.propose(path);
      expect(new Set(proposed.map(({ token }) => token))).toEqual(followers);
      const sum = proposed.reduce((all, { probability }) => all + probability, 0);
      if (followers.size > 0) expect(sum).toBeCloseTo(1 - 0.5 ** length, 10);
    }),
    { numRuns: 500 },
  );
});

test("what came often, and what came lately, goes first", () => {
  const drafter = new SuffixDrafter();
  drafter.reset([1, 2, 7, 1, 3, 8, 1, 2, 9, 1]);
  expect(drafter.propose([]).map(({ token }) => token)).toEqual([2, 3]);
  drafter.append([3, 6, 1]); // as often as the other now, and later
  expect(drafter.propose([]).map(({ token }) => token)).toEqual([3, 2]);
});

test("the next turn goes on from the text, and another conversation begins anew", () => {
  const drafter = new SuffixDrafter();
  drafter.reset([1, 2, 3]);
  drafter.append([4, 5]);
  drafter.reset([1, 2, 3, 4, 5, 6, 3]);
  expect(drafter.propose([])[0]?.token).toBe(4);
  drafter.reset([7, 3]);
  expect(drafter.propose([])).toEqual([]);
});

test("a long text forgets its older half, and goes on", () => {
  const drafter = new SuffixDrafter();
  drafter.reset([50_000, 50_001]);
  for (let i = 0; i < 17_000; i++) drafter.append([i % 5000]);
  expect(drafter.propose([50_000]).map(({ token }) => token)).not.toContain(50_001);
  expect(drafter.propose([])[0]?.token).toBe(17_000 % 5000);
});
