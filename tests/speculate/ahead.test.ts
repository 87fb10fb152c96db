// A drafter that must work before it proposes, on a clock of our own: asked where it pays, left alone where it does not, and tried again.
import { describe, expect, test } from "vitest";
import { walk } from "../../src/speculate/accept";
import { AheadCosts } from "../../src/speculate/ahead_costs";
import type { AheadDrafter, Candidate } from "../../src/speculate/drafter";
import { Speculator } from "../../src/speculate/speculator";
import { rules } from "./toy";

const greedy = { ...rules, temperature: 0 };
const text = (position: number) => (position * 7919) % 1000; // what the model writes

/** Is right at a share of positions, and takes `stepMs` for each step. */
class Ahead implements AheadDrafter {
  readonly name = "draft";
  readonly isRanked = true;
  readonly claim = 0.7;
  readonly stepMs = null;
  backlog = 0;
  calls = 0;
  steps = 0; // of the last call
  share: number;
  #length = 0;
  readonly #clock: { now: number };
  readonly #stepMs: number;

  constructor(clock: { now: number }, stepMs: number, share: number) {
    this.#clock = clock;
    this.#stepMs = stepMs;
    this.share = share;
  }

  reset(tokens: readonly number[]): void {
    this.#length = this.backlog = tokens.length;
  }

  append(tokens: readonly number[]): void {
    this.#length += tokens.length;
    this.backlog += tokens.length;
    this.steps = 0;
  }

  async ahead(steps: number): Promise<void> {
    this.calls++;
    this.steps = steps;
    this.#clock.now += steps * this.#stepMs + this.backlog * 0.01;
    this.backlog = 0;
  }

  propose(path: readonly number[]): readonly Candidate[] {
    if (path.length >= this.steps) return [];
    const position = this.#length + path.length;
    const isRight = ((position * 2654435761) >>> 8) % 1000 < this.share * 1000;
    return [{ token: isRight ? text(position) : 1001, probability: this.claim }];
  }
}

/** Decodes as engine/decode.ts does, where a token takes 10 ms and each further row 0.5 ms. */
async function decode(speculator: Speculator, clock: { now: number }, tokens: number, prompt = 20): Promise<number> {
  const start = clock.now;
  let length = prompt;
  speculator.begin(
    Array.from({ length }, (_, i) => text(i)),
    greedy,
  );
  speculator.sawFirst(text(length++));
  while (length < prompt + tokens) {
    const reach = { position: length - 1, maxDepth: 15, maxDrafts: 15 };
    const tree = speculator.pays(reach) ? await speculator.draft(text(length - 1), reach) : null;
    clock.now += 10 + 0.5 * ((tree?.tokens.length ?? 1) - 1);
    if (tree) {
      const depths: number[] = [];
      tree.parents.forEach((parent, row) => depths.push(row === 0 ? 0 : (depths[parent] ?? 0) + 1));
      const found = walk(
        tree,
        depths.map((depth) => text(length + depth)),
      );
      speculator.sawRound(tree, found);
      length += found.tokens.length;
    } else speculator.sawPlain(text(length++), true);
  }
  return (clock.now - start) / (length - prompt - 1); // ms a token
}

function make(stepMs: number, share: number) {
  const clock = { now: 0 };
  const ahead = new Ahead(clock, stepMs, share);
  return { clock, ahead, speculator: new Speculator([], { ahead, now: () => clock.now }) };
}

describe("a drafter that must work beforehand", () => {
  test("is asked where it is cheap and mostly right, and makes the reply quicker", async () => {
    const { clock, speculator } = make(1, 0.9);
    expect(await decode(speculator, clock, 300)).toBeLessThan(6);
    expect(speculator.stats.draftMs).toBeGreaterThan(0);
  });

  test("is left alone where it takes as long as the model, or is mostly wrong, at little loss", async () => {
    for (const [stepMs, share] of [
      [10, 0.9],
      [2, 0.02],
    ] as const) {
      const { clock, ahead, speculator } = make(stepMs, share);
      expect(await decode(speculator, clock, 400)).toBeLessThan(10 / 0.97);
      expect(ahead.calls).toBeLessThan(100);
    }
  });

  test("is tried again, and used once it has become better", async () => {
    const { clock, ahead, speculator } = make(1, 0);
    await decode(speculator, clock, 400);
    const before = ahead.calls;
    ahead.share = 0.95;
    const ms = await decode(speculator, clock, 1500);
    expect(before).toBeGreaterThan(0);
    expect(ms).toBeLessThan(8);
  });

  test("is asked hardly less often in later replies where it met a pause", async () => {
    const callsOf = async (pauseMs: number) => {
      const { clock, ahead, speculator } = make(1, 0.9);
      const { ahead: real } = ahead;
      await decode(speculator, clock, 60);
      ahead.ahead = async (steps) => {
        await real.call(ahead, steps);
        clock.now += pauseMs;
        pauseMs = 0;
      };
      await decode(speculator, clock, 60);
      const before = ahead.calls;
      for (let reply = 0; reply < 8; reply++) await decode(speculator, clock, 8);
      return ahead.calls - before;
    };
    expect(await callsOf(60_000)).toBeGreaterThan(0.75 * (await callsOf(0)));
  });

  test("asks for fewer steps where drafts are less often right", async () => {
    const longest = async (share: number) => {
      const { clock, ahead, speculator } = make(0.5, share);
      let most = 0;
      const { ahead: real } = ahead;
      ahead.ahead = async (steps) => {
        most = steps; // the last ones count, when it is known how often it is right
        await real.call(ahead, steps);
      };
      await decode(speculator, clock, 400);
      return most;
    };
    expect(await longest(0.98)).toBeGreaterThan(await longest(0.6));
  });

  test("is not asked while it is silent", async () => {
    const { clock, ahead, speculator } = make(0.1, 1);
    speculator.silence(["draft"]);
    expect(await decode(speculator, clock, 100)).toBe(10);
    expect(ahead.calls).toBe(0);
  });
});

test("steps and reading are told apart", () => {
  const costs = new AheadCosts(null);
  expect(costs.ms(4, 0, 8)).toBe(4); // a guess: an eighth of a token each
  for (let i = 0; i < 40; i++) {
    costs.saw(4, 0, 4 * 3);
    costs.saw(4, 100, 4 * 3 + 100 * 0.2);
  }
  expect(costs.ms(1, 0, 8)).toBeCloseTo(3, 1);
  expect(costs.ms(0, 100, 8)).toBeCloseTo(20, 0);
});
