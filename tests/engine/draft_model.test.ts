// What a draft model's answers are good for, and until when; the engine is a stand-in.
import { expect, test } from "vitest";
import { DraftModel } from "../../src/engine/draft_model";
import { greedy } from "../setup/models";

/** Drafts 100, 101, ... behind the text, each with the next best 50 more. */
function make(contextLength = 64) {
  const asked: { readonly text: readonly number[]; readonly fresh: readonly number[]; readonly steps: number }[] = [];
  const model = new DraftModel({
    contextLength,
    tuning: { choices: {}, costs: [{ rows: 1, ms: 3 }] } as unknown as ConstructorParameters<typeof DraftModel>[0]["tuning"],
    beginDrafts: () => {},
    unread: () => 0,
    async draft(text, fresh, steps) {
      asked.push({ text, fresh: [...fresh], steps });
      return Array.from({ length: steps }, (_, i) => [100 + i, 150 + i]);
    },
  });
  return { model, asked };
}

const tokens = (model: DraftModel, path: readonly number[]) => model.propose(path).map(({ token }) => token);

test("its drafts hold behind the text and its own best, not behind another path", async () => {
  const { model } = make();
  model.reset([1, 2], greedy);
  expect(tokens(model, [])).toEqual([]);
  await model.ahead(3);
  expect(tokens(model, [])).toEqual([100, 150]);
  expect(tokens(model, [100])).toEqual([101, 151]);
  expect(tokens(model, [150])).toEqual([]);
  expect(tokens(model, [100, 101, 102])).toEqual([]);
});

test("once the text goes on, or another one begins, they hold no more", async () => {
  const { model } = make();
  model.reset([1, 2], greedy);
  await model.ahead(3);
  model.append([100]);
  expect(tokens(model, [])).toEqual([]);
  await model.ahead(3);
  model.reset([1], greedy);
  expect(tokens(model, [])).toEqual([]);
});

test("the engine is told once of each token of the reply, and of none of the last reply", async () => {
  const { model, asked } = make();
  model.reset([1, 2], greedy);
  model.append([3, 4]);
  await model.ahead(1);
  model.append([5]);
  await model.ahead(1);
  model.append([6]);
  model.reset([1, 2, 3], greedy);
  await model.ahead(1);
  expect(asked.map(({ fresh }) => fresh)).toEqual([[3, 4], [5], []]);
  expect(asked.map(({ text }) => text)).toEqual([
    [1, 2, 3, 4],
    [1, 2, 3, 4, 5],
    [1, 2, 3],
  ]);
});

test("it drafts no further than its own context reaches", async () => {
  const { model, asked } = make(8);
  model.reset([1, 2, 3, 4, 5], greedy);
  await model.ahead(9);
  expect(asked.map(({ steps }) => steps)).toEqual([3]);
  model.append([6, 7, 8]);
  await model.ahead(9);
  expect(asked).toHaveLength(1);
  expect(tokens(model, [])).toEqual([]);
});
