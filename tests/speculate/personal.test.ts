import fc from "fast-check";
import { expect, test } from "vitest";
import { ContextDrafter } from "../../src/speculate/context_drafter";
import { PersonalTable } from "../../src/speculate/personal";

const vocabulary = { size: 500, fingerprint: 7 };
const learned = (...replies: readonly (readonly number[])[]) => {
  const table = new PersonalTable(vocabulary);
  for (const reply of replies) table.learn(reply, 0);
  return table;
};
const best = (table: PersonalTable, ...context: readonly number[]) => {
  const drafter = new ContextDrafter("personal", table);
  drafter.reset(context);
  return drafter.propose([])[0]?.token;
};

test("learns what follows what, the longest context first", () => {
  const table = learned([1, 2, 3, 4], [9, 2, 3, 5], [8, 2, 3, 5]);
  expect(best(table, 1, 2, 3)).toBe(4);
  expect(best(table, 7, 2, 3)).toBe(5);
  expect(best(table, 6)).toBe(undefined);
});

test("the text may have grown token by token, and a path goes on from it", () => {
  const drafter = new ContextDrafter("personal", learned([1, 2, 3, 4], [9, 2, 3, 5]));
  drafter.reset([9, 1]);
  drafter.append([2]);
  drafter.append([3]);
  expect(drafter.propose([])[0]?.token).toBe(4);
  drafter.reset([1]);
  drafter.append([2]);
  expect(drafter.propose([3])[0]?.token).toBe(4);
});

test("of a text it learns the reply alone; the prompt is context", () => {
  const table = new PersonalTable(vocabulary);
  table.learn([1, 2, 3, 4, 5], 3);
  expect(best(table, 1, 2)).toBe(undefined);
  expect(best(table, 2, 3)).toBe(4);
  expect(best(table, 3, 4)).toBe(5);
});

test("can be looked at", () => {
  const table = learned([1, 2, 1, 2, 1]);
  expect(table.entries().slice(0, 3)).toEqual([
    { context: [1, 2], token: 1, count: 2 },
    { context: [1], token: 2, count: 2 },
    { context: [2], token: 1, count: 2 },
  ]);
  expect(table.entries()).toHaveLength(table.size);
});

test("is bounded: what was seen once is forgotten before what was seen often", () => {
  const table = new PersonalTable(vocabulary, 60);
  for (let i = 0; i < 8; i++) table.learn([1, 2, 3], 0);
  for (let i = 0; i < 40; i++) {
    table.learn([10 + i, 100 + i, 200 + i], 0);
    expect(table.size).toBeLessThanOrEqual(60);
  }
  expect(best(table, 1, 2)).toBe(3);
  expect(best(table, 10, 100)).toBe(undefined);
});

test("survives being stored", () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.nat(499), { maxLength: 30 }), { maxLength: 10 }), (replies) => {
      const table = learned(...replies);
      const again = PersonalTable.parse(table.serialize(), vocabulary);
      expect(again.size).toBe(table.size);
      expect(again.entries()).toEqual(table.entries());
    }),
    { seed: 1, numRuns: 100 },
  );
});

test("refuses what is damaged or of another tokenizer", () => {
  const bytes = learned([1, 2, 3]).serialize();
  const damaged = expect.objectContaining({ code: "model-damaged" });
  expect(() => PersonalTable.parse(bytes, { ...vocabulary, size: 501 })).toThrow(damaged);
  expect(() => PersonalTable.parse(bytes, { ...vocabulary, fingerprint: 8 })).toThrow(damaged);
  expect(() => PersonalTable.parse(bytes.slice(4), vocabulary)).toThrow(damaged);
  expect(() => PersonalTable.parse(bytes.slice(0, -4), vocabulary)).toThrow(damaged);
  expect(() => PersonalTable.parse(new ArrayBuffer(3), vocabulary)).toThrow(damaged);
  for (const word of [5, 6, 9]) {
    const wrong = new Uint32Array(bytes.slice(0));
    wrong[word] = 0xffffffff;
    expect(() => PersonalTable.parse(wrong.buffer, vocabulary)).toThrow(damaged);
  }
});
