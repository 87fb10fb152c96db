import "fake-indexeddb/auto";
import { deleteDB } from "idb";
import { afterEach, expect, test } from "vitest";
import { IndexedTunings } from "../../src/weights/tuning_store";

let store = new IndexedTunings();
afterEach(async () => {
  await store.close();
  await deleteDB("gyre-tunings");
  store = new IndexedTunings();
});

test("what is put is got, also by another that opens the database", async () => {
  expect(await store.get("a")).toBeUndefined();
  await store.put("a", { choices: { dot: "packed" }, costs: [] });
  await store.put("a", { choices: { dot: "unpacked" }, costs: [] });
  const other = new IndexedTunings();
  expect(await other.get("a")).toEqual({ choices: { dot: "unpacked" }, costs: [] });
  await other.close();
});

test("only the ones written last are kept", async () => {
  for (let i = 0; i < 30; i++) await store.put(`key ${i}`, { i });
  const kept = await Promise.all(Array.from({ length: 30 }, (_, i) => store.get(`key ${i}`)));
  expect(kept.filter((tuning) => tuning !== undefined)).toHaveLength(24);
  expect(kept.at(-1)).toEqual({ i: 29 });
});

test("cleared, nothing is left", async () => {
  await store.put("a", { i: 1 });
  await store.clear();
  expect(await store.get("a")).toBeUndefined();
});

test("a closed or deleted database is opened again", async () => {
  await store.put("a", { i: 1 });
  await deleteDB("gyre-tunings"); // closes the handle that the store holds
  expect(await store.get("a")).toBeUndefined();
});
