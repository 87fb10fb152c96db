import { expect, test } from "vitest";
import { Sequence } from "../../src/engine/sequence";

test("without recurrent states any prefix can be kept, and at least one token is left to feed", () => {
  const sequence = new Sequence(null);
  expect(sequence.reuse([1, 2, 3])).toEqual({ kept: 0, restore: null });
  sequence.push([1, 2, 3, 4]);
  expect(sequence.kept([1, 2, 9])).toBe(2);
  expect(sequence.length).toBe(4); // asking cuts nothing
  expect(sequence.reuse([1, 2, 3, 4])).toEqual({ kept: 3, restore: null });
  expect(sequence.length).toBe(3);
  expect(sequence.reuse([1, 9])).toEqual({ kept: 1, restore: null });
});

test("with them, going on keeps all, and going back goes to the last copy before the difference", () => {
  const sequence = new Sequence(2);
  sequence.push([1, 2, 3]);
  expect(sequence.reuse([1, 2, 3, 4])).toEqual({ kept: 3, restore: null });
  expect(sequence.mark()).toBe(0);
  sequence.push([4, 5, 6]);
  expect(sequence.kept([1, 2, 3, 4, 9])).toBe(3);
  expect(sequence.length).toBe(6);
  expect(sequence.reuse([1, 2, 3, 4, 9])).toEqual({ kept: 3, restore: 0 });
  expect(sequence.length).toBe(3);
  expect(sequence.mark()).toBeNull(); // a copy of this place exists
  sequence.push([7]);
  expect(sequence.reuse([1, 9])).toEqual({ kept: 0, restore: "clear" });
});

test("the oldest copy gives way", () => {
  const sequence = new Sequence(2);
  for (const [token, index] of [
    [1, 0],
    [2, 1],
    [3, 0],
  ] as const) {
    sequence.push([token]);
    expect(sequence.mark()).toBe(index);
  }
  sequence.push([4]);
  expect(sequence.reuse([1, 2, 9])).toEqual({ kept: 2, restore: 1 });
  expect(sequence.reuse([1, 8, 9])).toEqual({ kept: 0, restore: "clear" });
});
