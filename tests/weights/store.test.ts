import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { deleteDB, openDB } from "idb";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openCheckpoint } from "../../src/weights/checkpoint";
import { MANIFEST_PATH } from "../../src/weights/package";
import { PackageWriter } from "../../src/weights/package_writer";
import type { TensorSpec } from "../../src/weights/safetensors";
import type { PackageInfo } from "../../src/weights/source";
import { ensureRoom, WeightStore } from "../../src/weights/store";
import { storedSource } from "../../src/weights/stored_source";
import { toBytes } from "./memory_source";

const INFO: PackageInfo = { name: "Demo", family: "lfm2", precision: "w8a8", parameters: 60, rotation: null };
const SPEC: TensorSpec = { name: "x", dtype: "U8", shape: [50, 20] };
const DATA = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

let store: WeightStore;
beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  store = new WeightStore();
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await store.close();
});

async function save(id: string, generation: string, name = "Demo"): Promise<void> {
  const writer = new PackageWriter(store.stage(id, generation), { ...INFO, name }, 64);
  await writer.file("config.json", toBytes({ model_type: "lfm2" }));
  await writer.tensors([SPEC]);
  await writer.append("x", DATA);
  await writer.finish();
}

/** Changes what lies in the database behind the store's back. */
async function tamper(key: [string, string, string, number], blob: Blob | null): Promise<void> {
  const db = await openDB("gyre-weights");
  if (blob === null) await db.delete("chunks", key);
  else await db.put("chunks", blob, key);
  db.close();
}

/** Bytes of all chunks, those of no whole model included. */
async function bytesUsed(): Promise<number> {
  const db = await openDB("gyre-weights");
  const chunks: Blob[] = await db.getAll("chunks");
  db.close();
  return chunks.reduce((sum, chunk) => sum + chunk.size, 0);
}

test("a model written through the sink opens again, any rows at a time", async () => {
  await save("demo", "g1");
  const checkpoint = await openCheckpoint(await storedSource(store, "demo"));
  expect(checkpoint.packed).toMatchObject(INFO);
  expect(await checkpoint.tensor("x")).toEqual(DATA);
  for (const [from, to] of [
    [0, 1],
    [3, 4],
    [7, 31],
    [49, 50],
  ] as const) {
    expect(await checkpoint.tensor("x", from, to)).toEqual(DATA.slice(from * 20, to * 20));
  }
  expect((await store.list()).map((model) => model.id)).toEqual(["demo"]);
});

test("what is not committed is no model, and can be gone on with", async () => {
  const staging = store.stage("demo", "g1");
  await staging.write("a", 0, DATA);
  await staging.write("a", 2, DATA);
  await staging.write("ab", 1, DATA);
  expect(await store.get("demo")).toBeUndefined();
  await expect(storedSource(store, "demo")).rejects.toMatchObject({ code: "model-missing" });
  expect([...(await store.stage("demo", "g1").present("a"))]).toEqual([0, 2]);
  expect([...(await store.stage("demo", "g2").present("a"))]).toEqual([]);
  expect(await bytesUsed()).toBe(3000);
});

test("a new generation replaces the old one only when it is whole", async () => {
  await save("demo", "g2", "Old");
  await save("other", "g1");
  const before = await bytesUsed();
  await store.stage("demo", "g1").write("config.json", 0, toBytes("{}"));
  expect((await storedSource(store, "demo")).name).toBe("Old");
  await save("demo", "g3", "New");
  expect((await storedSource(store, "demo")).name).toBe("New");
  expect(await openCheckpoint(await storedSource(store, "demo")).then((checkpoint) => checkpoint.tensor("x"))).toEqual(DATA);
  expect(await openCheckpoint(await storedSource(store, "other")).then((checkpoint) => checkpoint.tensor("x"))).toEqual(DATA);
  expect(await bytesUsed()).toBe(before);
});

test("removing a model takes its chunks and its unfinished copies with it, and nothing else", async () => {
  await save("demo", "g1");
  await save("demo2", "g1");
  const both = await bytesUsed();
  await store.stage("demo", "g0").write("a", 0, DATA);
  await store.remove("demo");
  expect((await store.list()).map((model) => model.id)).toEqual(["demo2"]);
  expect(await bytesUsed()).toBe(both / 2);
  await store.remove("never there");
});

test("sweeping keeps whole models and resumable downloads", async () => {
  await save("demo", "g1");
  const whole = await bytesUsed();
  await store.stage("demo", "g0").write("a", 0, DATA);
  await store.stage("import", "g0").write("a", 0, DATA);
  await store.stage("import", "g0").write("b", 0, DATA);
  await store.stage("shipped", "g0").write("a", 0, DATA);
  await store.sweep(new Set(["shipped"]));
  expect(await bytesUsed()).toBe(whole + 1000);
  expect([...(await store.stage("shipped", "g0").present("a"))]).toEqual([0]);
});

const WEIGHTS_CHUNK: [string, string, string, number] = ["demo", "g1", "model.safetensors", 5];
test.each<[string, Blob | null, RegExp]>([
  ["absent", null, /chunk 5 is no longer/],
  ["short", new Blob(["short"]), /chunk 5 has 5 of 64 bytes/],
  ["changed", new Blob([new Uint8Array(64)]), /chunk 5 fails its checksum/],
])("a chunk that is %s is damage that names file and chunk", async (_, blob, message) => {
  await save("demo", "g1");
  await tamper(WEIGHTS_CHUNK, blob);
  const source = await storedSource(store, "demo");
  await expect(source.read("model.safetensors", 0, 1000)).rejects.toMatchObject({
    code: "model-damaged",
    message: expect.stringMatching(message),
  });
  await expect(source.read("model.safetensors", 325, 330), "a part of it").rejects.toMatchObject({
    message: expect.stringContaining("model.safetensors"),
  });
  expect(await source.read("model.safetensors", 0, 64)).toHaveLength(64);
});

test("a read beyond the end of a file is damage; a file that is not listed is missing", async () => {
  await save("demo", "g1");
  const source = await storedSource(store, "demo");
  await expect(source.read("config.json", 0, 99)).rejects.toMatchObject({ code: "model-damaged" });
  await expect(source.size("tokenizer.json")).rejects.toMatchObject({
    code: "model-missing",
    message: expect.stringContaining("tokenizer.json"),
  });
  expect(await source.has(MANIFEST_PATH)).toBe(true);
});

test("a spent quota is storage-full, anything else storage-failed", async () => {
  const staging = store.stage("demo", "g1");
  const put = vi.spyOn(IDBObjectStore.prototype, "put");
  put.mockImplementation(() => {
    throw new DOMException("no room", "QuotaExceededError");
  });
  await expect(staging.write("a", 0, DATA)).rejects.toMatchObject({ code: "storage-full" });
  put.mockImplementation(() => {
    throw new DOMException("broken", "UnknownError");
  });
  await expect(staging.write("a", 0, DATA)).rejects.toMatchObject({ code: "storage-failed" });
  put.mockRestore();
  await staging.write("a", 0, DATA);
});

test("a quota error that the transaction alone tells of is storage-full", async () => {
  await store.list();
  const open = IDBDatabase.prototype.transaction;
  const spy = vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementation(function (this: IDBDatabase, ...args) {
    const transaction = open.apply(this, args);
    queueMicrotask(() => {
      transaction.abort();
      Object.defineProperty(transaction, "error", { value: new DOMException("no room", "QuotaExceededError") });
    });
    return transaction;
  });
  await expect(store.stage("demo", "g1").write("a", 0, DATA)).rejects.toMatchObject({ code: "storage-full" });
  spy.mockRestore();
});

test("an older version held open by another tab is reported, not waited for", async () => {
  const old = indexedDB.open("gyre-weights", 1);
  await new Promise((resolve) => {
    old.onsuccess = resolve;
  });
  const held = indexedDB.open.bind(indexedDB);
  vi.spyOn(indexedDB, "open").mockImplementation((name) => held(name, 2));
  await expect(store.list()).rejects.toMatchObject({ code: "storage-failed", message: expect.stringContaining("Another tab") });
  old.result.close();
});

test("the store makes way for a newer version or a deletion, and opens again afterwards", async () => {
  await save("demo", "g1");
  await deleteDB("gyre-weights");
  expect(await store.list()).toEqual([]);
});

test("room is checked before a download", async () => {
  vi.stubGlobal("navigator", { storage: { estimate: async () => ({ quota: 10e6, usage: 4e6 }) } });
  await ensureRoom(6e6);
  await expect(ensureRoom(8.5e6)).rejects.toMatchObject({ code: "storage-full", message: expect.stringContaining("3 MB") });
  vi.stubGlobal("navigator", {});
  await ensureRoom(1e15);
});
