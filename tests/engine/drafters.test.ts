// Of what a model brings along, all reaches the speculator that is made for it.
import { expect, test } from "vitest";
import { makeSpeculator } from "../../src/engine/speculation";
import type { Drafter } from "../../src/speculate/drafter";
import type { NgramTable } from "../../src/speculate/ngram";
import { rules } from "../speculate/toy";

const prompt = [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2];
const reach = { position: 11, maxDepth: 15, maxDrafts: 15 };
// Ten seconds a token: however busy this machine is, drafting takes nothing beside that.
const cheap = [1, 2, 4, 8, 16].map((rows) => ({ rows, ms: 10_000 + 100 * rows }));
const personal: Drafter = {
  ...{ name: "personal", reset: () => {}, append: () => {} },
  propose: (path) => (path.length === 0 ? [{ token: 7, probability: 0.9 }] : []),
};

function begun(costs: typeof cheap, submitMs: number, tables: Parameters<typeof makeSpeculator>[1] = { ngrams: null }) {
  const tuning = { costs } as unknown as Parameters<typeof makeSpeculator>[0]["tuning"];
  const speculator = makeSpeculator({ tuning, submitMs }, tables);
  speculator.begin(prompt, { ...rules, temperature: 0 });
  speculator.sawFirst(3);
  return speculator;
}

test("what passes cost here is known from the first token on", () => {
  expect(begun(cheap, 100_000).pays(reach)).toBe(true);
  expect(begun([], 100_000).pays(reach)).toBe(false);
});

test("no round is longer than a submit may be", () => {
  const dearer = cheap.map(({ rows }) => ({ rows, ms: 7000 + 3000 * rows }));
  expect(begun(dearer, 100_000).pays(reach)).toBe(true);
  expect(begun(dearer, 12_000).pays(reach)).toBe(false);
});

test("the table beside a model and this device's own draft beside what was said before", async () => {
  const ngrams = { longestContext: 1, candidates: () => [{ token: 8, probability: 0.9 }] } as unknown as NgramTable;
  const tree = await begun(cheap, 100_000, { ngrams, personal }).draft(3, reach);
  const names = tree?.sources.flatMap((sources) => sources.map(({ drafter }) => drafter));
  expect(new Set(names)).toEqual(new Set(["suffix", "ngram", "personal"]));
});
