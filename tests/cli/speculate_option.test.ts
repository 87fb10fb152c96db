import { expect, test } from "vitest";
import { missingTable, speculateOption } from "../../src/cli/speculate_option";

test("reads what speculation is asked for", () => {
  expect(speculateOption("off")).toBeNull();
  expect(speculateOption(undefined)).toEqual(speculateOption("auto"));
  expect(speculateOption("auto")?.fixedDrafts).toBeUndefined();
  expect(speculateOption("suffix")).toEqual({ drafters: ["suffix"], fixedDrafts: 7 });
  expect(speculateOption("suffix,tree:15")).toEqual({ drafters: ["suffix"], fixedDrafts: 15 });
  expect(speculateOption("ngram,suffix")?.drafters).toEqual(["suffix", "ngram"]);
  expect(speculateOption(" suffix, tree:3")).toEqual({ drafters: ["suffix"], fixedDrafts: 3 });
  expect(speculateOption("tree:3")?.fixedDrafts).toBe(3);
  expect(speculateOption("draft:a/b")).toEqual({ drafters: [], draftModel: "a/b", fixedDrafts: 7 });
  expect(speculateOption("auto,draft:a/b")).toEqual({ ...speculateOption("auto"), draftModel: "a/b" });
  expect(speculateOption("ngram,draft:a,tree:4")).toEqual({ drafters: ["ngram"], draftModel: "a", fixedDrafts: 4 });
});

test("a table that was asked for and is not there is told of", () => {
  const told = (text: string) => missingTable(speculateOption(text)!, { ngrams: null });
  expect(told("ngram")).toContain("drafts.ngram");
  expect(told("tree:4")).toContain("drafts.ngram");
  expect([told("suffix"), told("auto")]).toEqual([null, null]);
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
