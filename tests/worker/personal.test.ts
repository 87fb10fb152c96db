import "fake-indexeddb/auto";
import { deleteDB } from "idb";
import { afterEach, expect, test } from "vitest";
import { FolderSource } from "../../src/cli/folder_source";
import { Personal } from "../../src/engine/personal";
import { vocabularyOf } from "../../src/engine/vocabulary";
import { loadTokenizer } from "../../src/text/tokenizer";
import { PersonalStore } from "../../src/weights/personal_store";
import { fixture } from "../setup/models";

const source = new FolderSource(fixture("stories260k"));
const tokenizer = await loadTokenizer(source);
const vocabulary = await vocabularyOf(source, tokenizer);
const text = tokenizer.encode("Once upon a time there was a fox. Once upon a time there was a fox.", { special: false });
const store = new PersonalStore();
afterEach(() => deleteDB("gyre-personal"));

test("what is learnt from a reply is drafted, and kept for the next visit", async () => {
  const personal = await Personal.open(store, "demo", vocabulary);
  expect(personal.show(tokenizer, 5)).toEqual({ bytes: 0, contexts: 0, entries: [] });
  await personal.learn(text, 4);
  const again = await Personal.open(store, "demo", vocabulary);
  again.drafter.reset(text.slice(0, 9));
  expect(again.drafter.propose([])[0]?.token).toBe(text[9]);
  const shown = again.show(tokenizer, 3);
  expect(shown.entries).toHaveLength(3);
  expect(shown.entries[0]?.count).toBeGreaterThan(1);
  expect(shown.bytes).toBeGreaterThan(100);
  expect(shown.bytes).toBe((await store.get("demo"))?.byteLength);
  expect(personal.show(tokenizer, 3)).toEqual(shown);
  expect((await Personal.open(store, "other", vocabulary)).show(tokenizer, 1).entries).toEqual([]);
});

test("erased is gone, here and in the store", async () => {
  const personal = await Personal.open(store, "demo", vocabulary);
  await personal.learn(text, 4);
  await store.clear();
  await personal.refresh();
  expect(personal.show(tokenizer, 5).entries).toEqual([]);
  expect((await Personal.open(store, "demo", vocabulary)).show(tokenizer, 5).entries).toEqual([]);
});

test("what cannot be read, or belongs to another tokenizer, is begun anew", async () => {
  await store.update("demo", () => new ArrayBuffer(7));
  const personal = await Personal.open(store, "demo", vocabulary);
  expect(personal.show(tokenizer, 5).entries).toEqual([]);
  await personal.learn(text, 4);
  expect((await Personal.open(store, "demo", { ...vocabulary, size: 7 })).show(tokenizer, 5).entries).toEqual([]);
});

/** What is kept, each thing learnt in a line. */
const lines = async () => {
  const { entries } = (await Personal.open(store, "demo", vocabulary)).show(tokenizer, 1000);
  return entries.map(({ context, next }) => `${context}${next}`).join("\n");
};

test("what one tab erases does not come back from another that has it in memory", async () => {
  await (await Personal.open(store, "demo", vocabulary)).learn(text, 4);
  const other = await Personal.open(store, "demo", vocabulary);
  expect(await lines()).toContain("fox");
  await store.clear();
  await other.learn(tokenizer.encode("A dog.", { special: false }), 1);
  expect(await lines()).toContain("dog");
  expect(await lines()).not.toContain("fox");
});

test("what two tabs learn is kept, both", async () => {
  const one = await Personal.open(store, "demo", vocabulary);
  const other = await Personal.open(store, "demo", vocabulary);
  const learn = (tab: Personal, reply: string) => tab.learn(tokenizer.encode(reply, { special: false }), 1);
  await Promise.all([learn(one, "A fox."), learn(other, "A dog.")]); // in the same moment
  expect(await lines()).toContain("fox");
  expect(await lines()).toContain("dog");
});

test("what one tab learns or erases, another drafts from or forgets with its next reply", async () => {
  const one = await Personal.open(store, "demo", vocabulary);
  const other = await Personal.open(store, "demo", vocabulary);
  const drafted = () => {
    other.drafter.reset(text.slice(0, 9));
    return other.drafter.propose([])[0]?.token;
  };
  await one.learn(text, 4);
  await other.refresh();
  expect(drafted()).toBe(text[9]);
  await store.clear();
  await one.learn(
    text.map((token) => token + 1),
    4,
  ); // takes as many bytes
  await other.refresh();
  expect(drafted()).toBe(undefined);
});
