import { expect, test } from "vitest";
import { speculateOption } from "../../src/cli/speculate_option";

test("reads what speculation is asked for", () => {
  expect(speculateOption("off")).toBeNull();
  expect(speculateOption(undefined)).toEqual(speculateOption("auto"));
  expect(speculateOption("auto")?.fixedDrafts).toBeUndefined();
  expect(speculateOption("suffix")).toEqual({ drafters: ["suffix"], fixedDrafts: 7 });
  expect(speculateOption("suffix,tree:15")).toEqual({ drafters: ["suffix"], fixedDrafts: 15 });
  expect(speculateOption("ngram,suffix")?.drafters).toEqual(["suffix", "ngram"]);
  expect(speculateOption("tree:3")?.fixedDrafts).toBe(3);
  expect(speculateOption("draft:a/b")).toEqual({ drafters: [], draftModel: "a/b", fixedDrafts: 7 });
  expect(speculateOption("auto,draft:a/b")).toEqual({ ...speculateOption("auto"), draftModel: "a/b" });
  expect(speculateOption("ngram,draft:a,tree:4")).toEqual({ drafters: ["ngram"], draftModel: "a", fixedDrafts: 4 });
});

test.each([
  "",
  "tree",
  "tree:0",
  "tree:16",
  "tree:1.5",
  "tree:2,tree:3",
  "suffix,oracle",
  "off,auto",
  "draft:",
  "draft:a,draft:b",
  "auto,suffix",
  "auto,tree:3",
])("refuses %j", (text) => {
  expect(() => speculateOption(text)).toThrow(expect.objectContaining({ code: "bad-request" }));
});
