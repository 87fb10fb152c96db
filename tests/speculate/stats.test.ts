import { expect, test } from "vitest";
import { SpeculationTally } from "../../src/speculate/stats";

const source = (drafter: "suffix" | "ngram") => ({ drafter, rank: 0, probability: 0.5 });
// 0 - 1 - 2 - 3, 0 - 4; the model drew rows 1 to 3 and one more.
const tree = {
  tokens: [9, 5, 6, 7, 8],
  parents: [0, 0, 1, 2, 0],
  sources: [[], [source("suffix")], [source("suffix"), source("ngram")], [source("ngram")], [source("ngram")]],
};
const walk = { rows: [0, 1, 2, 3], tokens: [5, 6, 7, 1] };

test("drafts are counted by drafter and by depth", () => {
  const tally = new SpeculationTally();
  tally.verified(tree, walk, 3);
  expect(tally.stats).toMatchObject({
    ...{ rounds: 1, proposed: 4, accepted: 3, roundTokens: 4, verifyMs: 3 },
    byDrafter: { suffix: { proposed: 2, accepted: 2 }, ngram: { proposed: 3, accepted: 2 } },
    byDepth: [
      { proposed: 2, accepted: 1 },
      { proposed: 1, accepted: 1 },
      { proposed: 1, accepted: 1 },
    ],
  });
});

test.each([
  [1, 1, { suffix: { proposed: 2, accepted: 1 }, ngram: { proposed: 3, accepted: 0 } }],
  [2, 2, { suffix: { proposed: 2, accepted: 2 }, ngram: { proposed: 3, accepted: 1 } }],
  [4, 3, { suffix: { proposed: 2, accepted: 2 }, ngram: { proposed: 3, accepted: 2 } }],
])("of a round that is cut behind %i tokens, %i drafts were accepted", (given, accepted, byDrafter) => {
  const tally = new SpeculationTally();
  tally.verified(tree, walk, 3);
  tally.cut(given);
  expect(tally.stats).toMatchObject({ rounds: 1, proposed: 4, accepted, roundTokens: given, byDrafter, verifyMs: 3 });
  tally.verified(tree, walk, 3);
  expect(tally.stats).toMatchObject({ rounds: 2, proposed: 8, accepted: accepted + 3, roundTokens: given + 4 });
});
