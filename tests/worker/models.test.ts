import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { openDB } from "idb";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MANIFEST_PATH, type Manifest } from "../../src/weights/package";
import { PackageWriter } from "../../src/weights/package_writer";
import { WeightStore } from "../../src/weights/store";
import { Models } from "../../src/worker/models";
import { concat, toBytes } from "../weights/memory_source";

const BASE = "http://localhost/models/gyre-demo/";
const SHIPPED = "gyre-demo";

let store: WeightStore;
let models: Models;
let files: Map<string, Uint8Array<ArrayBuffer>>; // what the server has; empty: nobody can reach it
let requests: string[];

beforeEach(async () => {
  globalThis.indexedDB = new IDBFactory();
  store = new WeightStore();
  models = new Models(store, BASE);
  files = new Map();
  requests = [];
  vi.stubGlobal("navigator", {});
  vi.stubGlobal("fetch", async (url: string) => {
    const path = url.slice(BASE.length);
    requests.push(path);
    if (files.size === 0) throw new TypeError("Failed to fetch");
    return new Response(files.get(path) ?? null, { status: files.has(path) ? 200 : 404 });
  });
  await publish("First");
});

afterEach(async () => {
  vi.unstubAllGlobals();
  await store.close();
});

async function publish(name: string): Promise<Manifest> {
  files = new Map();
  const write = async (path: string, _: number, bytes: Uint8Array<ArrayBuffer>) => {
    files.set(path, concat(files.get(path) ?? new Uint8Array(0), bytes));
  };
  const writer = new PackageWriter({ write }, { name, family: "lfm2", precision: "full", parameters: 1, rotation: null }, 64);
  await writer.file("config.json", toBytes({ model_type: "lfm2", name }));
  return writer.finish();
}

const open = (signal = new AbortController().signal) => models.open(SHIPPED, () => undefined, signal);

test("a newer shipped model replaces the stored one", async () => {
  expect((await open()).entry.name).toBe("First");
  await publish("Second");
  expect((await open()).entry.name).toBe("Second");
});

test.each<[string, () => void]>([
  ["has no room", () => vi.stubGlobal("navigator", { storage: { estimate: async () => ({ quota: 10, usage: 10 }) } })],
  ["cannot be asked for room", () => vi.stubGlobal("navigator", { storage: { estimate: () => Promise.reject(new TypeError("no")) } })],
  ["is not whole on the server", () => files.delete("config.json")],
  ["is damaged on the server", () => files.set("config.json", new Uint8Array(files.get("config.json")!.length))],
])("where a newer model %s, the stored one has to do, after one attempt", async (_, spoil) => {
  await open();
  await publish("Second");
  spoil();
  requests = [];
  expect((await open()).entry.name).toBe("First");
  expect(requests.filter((path) => path !== MANIFEST_PATH).length).toBeLessThanOrEqual(1);
});

test("without a stored model the same trouble is told", async () => {
  vi.stubGlobal("navigator", { storage: { estimate: async () => ({ quota: 10, usage: 10 }) } });
  await expect(open()).rejects.toMatchObject({ code: "storage-full" });
});

test("an abort is an abort, stored model or not", async () => {
  await open();
  await publish("Second");
  const abort = new AbortController();
  abort.abort();
  await expect(open(abort.signal)).rejects.toMatchObject({ name: "AbortError" });
});

test("a stored model that is damaged comes anew once it is dropped; an unknown or imported one is not dropped", async () => {
  await open();
  const { generation } = (await store.get(SHIPPED))!;
  const db = await openDB("gyre-weights");
  await db.put("chunks", new Blob(["spoilt"]), [SHIPPED, generation, "config.json", 0]);
  db.close();
  const { source } = await open();
  await expect(source.read("config.json", 0, 5)).rejects.toMatchObject({ code: "model-damaged" });
  expect(await models.dropDamaged(SHIPPED)).toBe(true);
  expect(await models.dropDamaged(SHIPPED), "nothing is left to be dropped").toBe(false);
  const mended = (await open()).source;
  expect(await mended.read("config.json", 0, files.get("config.json")!.length)).toEqual(files.get("config.json"));
  await store.stage("mine", "g").commit((await store.get(SHIPPED))!.manifest);
  expect(await models.dropDamaged("mine")).toBe(false);
  expect(await store.get("mine")).toBeDefined();
});
