import { expect, test } from "vitest";
import { endTokens } from "../../src/text/end_tokens";
import { Tokenizer } from "../../src/text/tokenizer";
import { byteLevelJson, stories } from "./fixtures";

test("every place that names an end is believed", () => {
  const tokenizer = new Tokenizer(byteLevelJson(), { eos_token: "<|end|>" });
  expect(endTokens({ eos_token_id: 7 }, { eos_token_id: [8, 9] }, tokenizer)).toEqual(new Set([7, 8, 9, 0, 2]));
  expect(endTokens({}, {}, stories)).toEqual(new Set([2]));
});

test("without a tokenizer, and with values that are no ids", () => {
  expect(endTokens({ eos_token_id: 2 }, {}, null)).toEqual(new Set([2]));
  expect(endTokens({ eos_token_id: null }, { eos_token_id: [3, "x", -1, 1.5] }, null)).toEqual(new Set([3]));
  expect(endTokens({}, {}, null).size).toBe(0);
});
