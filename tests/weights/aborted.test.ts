// Writes whose transaction the browser aborts, as on a full disk: the writer is told once, and nothing else fails.
import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PersonalStore } from "../../src/weights/personal_store";
import { WeightStore } from "../../src/weights/store";
import { IndexedTunings } from "../../src/weights/tuning_store";

const unheard: unknown[] = [];
const hear = (reason: unknown) => void unheard.push(reason);

beforeEach(() => {
  unheard.length = 0;
  process.on("unhandledRejection", hear);
  const { put } = IDBObjectStore.prototype;
  vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(function (this: IDBObjectStore, ...args) {
    const request = put.apply(this, args);
    this.transaction.abort();
    return request;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  process.off("unhandledRejection", hear);
});

test.each([
  ["what was learnt", () => new PersonalStore().update("demo", () => new ArrayBuffer(8))],
  ["a tuning", () => new IndexedTunings().put("device", { choices: {} })],
  ["a chunk of weights", () => new WeightStore().stage("demo", "1").write("model.safetensors", 0, new Uint8Array(8))],
])("%s", async (_, write) => {
  await expect(write()).rejects.toThrow(/abort|storage did not work/i);
  await new Promise((resolve) => setTimeout(resolve, 20)); // a rejection counts as unheard only after a while
  expect(unheard).toEqual([]);
});
