import { expect, test } from "vitest";
import { philox, seedWords } from "../../src/speculate/philox";
import { philoxVectors } from "./philox_vectors";

test.each(philoxVectors)("known answer %#", ({ key, counter, words }) => {
  expect(philox(key, counter)).toEqual(words);
});

test("a seed's words are its halves", () => {
  expect(seedWords(0x0123456789abcdefn)).toEqual([0x89abcdef, 0x01234567]);
  expect(seedWords(2n ** 64n - 1n)).toEqual([0xffffffff, 0xffffffff]);
});
