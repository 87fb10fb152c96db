import { expect, test } from "vitest";
import { countOption, describeOptions, numberOption, parseOptions, precisionOption, seedOption, tokensOption } from "../../src/cli/options";

const OPTIONS = {
  model: { type: "string", value: "DIR", help: "a folder" },
  "min-p": { type: "string", value: "P", help: "a share" },
  json: { type: "boolean", help: "as JSON" },
} as const;

test("parses values, flags and negative numbers", () => {
  expect(parseOptions(["--model", "a b", "--json"], OPTIONS)).toEqual({ model: "a b", json: true });
  expect(parseOptions(["--min-p", "-0.5", "--model=-x"], OPTIONS)).toEqual({ "min-p": "-0.5", model: "-x" });
  expect(parseOptions(["--min-p", "-.5"], OPTIONS)).toEqual({ "min-p": "-.5" });
  expect(parseOptions([], OPTIONS)).toEqual({});
});

test.each([[["--nothing"]], [["--model"]], [["stray"]], [["--json=yes"]], [["--model", "--json"]]])("refuses %j", (args) => {
  expect(() => parseOptions(args, OPTIONS)).toThrow(expect.objectContaining({ code: "bad-request" }));
});

test("explains each option on a line, aligned", () => {
  expect(describeOptions(OPTIONS)).toBe("  --model DIR  a folder\n  --min-p P    a share\n  --json       as JSON\n");
});

test("reads numbers", () => {
  expect(numberOption(undefined, "x")).toBeUndefined();
  expect(numberOption("-0.5", "x")).toBe(-0.5);
  expect(numberOption("1e-3", "x")).toBe(0.001);
  expect(countOption("12", "x")).toBe(12);
});

test.each(["", " ", "a", "NaN", "Infinity", "1,5"])("takes %j for no number", (text) => {
  expect(() => numberOption(text, "x")).toThrow("--x takes a number");
});

test.each(["0", "-1", "1.5", "9007199254740993"])("takes %j for no count", (text) => {
  expect(() => countOption(text, "x")).toThrow("--x takes a whole number above zero");
});

test("reads seeds of 64 bits, in decimal and hexadecimal", () => {
  expect(seedOption(undefined)).toBe(0n);
  expect(seedOption("18446744073709551615")).toBe(2n ** 64n - 1n);
  expect(seedOption("0xFFFFffffFFFFffff")).toBe(2n ** 64n - 1n);
  for (const text of ["18446744073709551616", "-1", "1.5", "", "0x", "0x10000000000000000", "abc"]) {
    expect(() => seedOption(text), text).toThrow("--seed takes");
  }
});

test("reads token ids", () => {
  expect(tokensOption("1, 2,3")).toEqual([1, 2, 3]);
  expect(tokensOption("0")).toEqual([0]);
  for (const text of ["", "1,,2", "1,", "-1", "1.5", "x", "0x1", "99999999999999999999"]) {
    expect(() => tokensOption(text), text).toThrow("--tokens takes token ids separated by commas");
  }
});

test("knows the precisions", () => {
  expect(precisionOption(undefined)).toBeUndefined();
  expect(precisionOption("full")).toBe("full");
  expect(precisionOption("w8a8")).toBe("w8a8");
  expect(precisionOption("w4a8")).toBe("w4a8");
  expect(() => precisionOption("int8")).toThrow('not "int8"');
});
