import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SuffixDrafter } from "../../src/speculate/suffix";
import { extend, State } from "../../src/speculate/suffix_automaton";
import { expectProposal } from "./proposals";

const tokensOf = (drafter: SuffixDrafter, path: readonly number[] = []) => drafter.propose(path).map(({ token }) => token);

/** Every place of `text` where the last `length` tokens of `query` came before and something follows: what follows, in order. */
function followersOf(text: readonly number[], query: readonly number[], length: number): number[] {
  const followers: number[] = [];
  for (let end = length; end < text.length; end++) {
    let same = 0;
    while (same < length && text[end - 1 - same] === query[query.length - 1 - same]) same += 1;
    if (same === length) followers.push(text[end]!);
  }
  return followers;
}

/** The longest suffix of `query` that came before in `text`. */
function longestSuffix(text: readonly number[], query: readonly number[]): number {
  for (let length = query.length; length > 0; length--) if (followersOf(text, query, length).length > 0) return length;
  return 0;
}

const alphabet = fc.integer({ min: 0, max: 3 });

describe("the automaton", () => {
  test("finds the longest suffix that came before and counts all that followed, as a search does", () => {
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 40 }), (text) => {
        let last = new State(0, null);
        for (const token of text) last = extend(last, token);
        expect(last.length).toBe(text.length);
        // The text's suffixes, from the longest to the empty one, are those of the states along the links.
        for (let state: State | null = last; state; state = state.link) {
          const shortest = state.link ? state.link.length + 1 : 0;
          for (let length = shortest; length <= state.length; length++) {
            const followers = followersOf(text, text, length);
            expect(new Set(state.edges.keys())).toEqual(new Set(followers));
            if (state.edges.size > 0 && followers.length <= 8) expect(state.visits).toBe(followers.length);
          }
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  test("texts that share a beginning are one automaton, as if each had been searched", () => {
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 25 }), fc.nat(25), fc.array(alphabet, { maxLength: 25 }), (first, cut, rest) => {
        const shared = first.slice(0, cut);
        const second = [...shared, ...rest];
        const states = [new State(0, null)];
        for (const token of first) states.push(extend(states.at(-1)!, token));
        let last = states[shared.length]!;
        for (const token of rest) last = extend(last, token);
        for (let state: State | null = last; state; state = state.link) {
          const followers = [first, second].flatMap((text) => followersOf(text, second, state.length));
          expect(new Set(state.edges.keys())).toEqual(new Set(followers));
        }
      }),
      { seed: 2, numRuns: 500 },
    );
  });

  test("has at most 2n - 1 states and 3n - 4 edges", () => {
    let last = new State(0, null);
    const root = last;
    const text = Array.from({ length: 3000 }, (_, i) => Math.floor(Math.abs(Math.sin(i * i)) * 4));
    for (const token of text) last = extend(last, token);
    const states = new Set([root]);
    let edges = 0;
    for (const state of states) {
      edges += state.edges.size;
      for (const { target } of state.edges.values()) states.add(target);
    }
    expect(states.size).toBeLessThan(2 * text.length);
    expect(edges).toBeLessThan(3 * text.length - 3);
  });
});

test("of late counts for more than often", () => {
  let last = new State(0, null);
  const root = last;
  for (const token of [1, 1, 1, 1, 2, 2, 2]) last = extend(last, token);
  expect(root.best.map(({ token }) => token)).toEqual([2, 1]);
});

describe("the drafter", () => {
  test("the best proposals follow the longest suffix that came before, along any path, and asking changes nothing", () => {
    fc.assert(
      fc.property(
        fc.array(alphabet, { maxLength: 30 }),
        fc.array(alphabet, { maxLength: 30 }),
        fc.array(alphabet, { maxLength: 6 }),
        (prompt, reply, path) => {
          const drafter = new SuffixDrafter();
          drafter.reset(prompt);
          drafter.append(reply);
          const text = [...prompt, ...reply];
          const query = [...text, ...path];
          const length = longestSuffix(text, query);
          const proposal = drafter.propose(path);
          expectProposal(proposal);
          const followers = new Set(followersOf(text, query, length));
          if (length === 0) expect(proposal).toEqual([]);
          else for (const token of followers) expect(proposal.map((candidate) => candidate.token)).toContain(token);
          drafter.propose([...path, 1, 2]);
          expect(drafter.propose(path)).toEqual(proposal);
        },
      ),
      { seed: 3, numRuns: 500 },
    );
  });

  test("frequent continuations come first, and of equally frequent ones the last", () => {
    const drafter = new SuffixDrafter();
    drafter.reset([1, 2, 9, 1, 2, 9, 1, 3, 9, 1]);
    expect(tokensOf(drafter)[0]).toBe(2);
    drafter.reset([1, 2, 9, 1, 3, 9, 1]);
    expect(tokensOf(drafter)[0]).toBe(3);
  });

  test("a longer context makes surer", () => {
    const drafter = new SuffixDrafter();
    drafter.reset([1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4]);
    const [long] = drafter.propose([]);
    drafter.reset([3, 4, 5, 6, 7, 8, 1, 2, 9, 4]);
    const [short] = drafter.propose([]);
    expect(long).toMatchObject({ token: 5 });
    expect(short).toMatchObject({ token: 5 });
    expect(long!.probability).toBeGreaterThan(short!.probability + 0.2);
  });

  test("the next turn goes on from the last, and a reply made anew knows the old one", () => {
    const drafter = new SuffixDrafter();
    const prompt = [1, 2, 3, 4, 5, 6];
    drafter.reset(prompt);
    drafter.append([20, 21, 22, 23]);
    drafter.reset([...prompt, 20, 21, 22, 23, 7, 20]);
    expect(tokensOf(drafter)).toEqual([21]);
    drafter.reset(prompt);
    expect(tokensOf(drafter)).toEqual([20]);
    expect(tokensOf(drafter, [20, 21])).toEqual([22]);
  });

  test("another conversation is not drafted from this one", () => {
    const drafter = new SuffixDrafter();
    drafter.reset([1, 2, 3, 4, 5]);
    drafter.reset([1, 9, 8, 7, 2]);
    expect(drafter.propose([])).toEqual([]);
    drafter.reset([]);
    expect(drafter.propose([1])).toEqual([]);
  });

  test("keeps the newest half where a text gets longer than it holds, and can go on from there", () => {
    const drafter = new SuffixDrafter();
    const text = Array.from({ length: 33_000 }, (_, i) => i);
    drafter.reset(text.slice(0, 100));
    drafter.append(text.slice(100));
    expect(tokensOf(drafter, [32_000])).toEqual([32_001]);
    expect(drafter.propose([5])).toEqual([]);
    drafter.reset([...text, 32_500]);
    expect(tokensOf(drafter)).toEqual([32_501]);
    drafter.reset(Array.from({ length: 40_000 }, (_, i) => 50_000 + i));
    expect(tokensOf(drafter, [89_000])).toEqual([89_001]);
    expect(drafter.propose([50_005])).toEqual([]);
  });

  test("a text that repeats one token costs no more a token than another", () => {
    const drafter = new SuffixDrafter();
    drafter.reset(Array.from({ length: 30_000 }, () => 1));
    expect(tokensOf(drafter)).toEqual([1]);
    expect(drafter.propose([2])).toEqual([]);
  });
});
