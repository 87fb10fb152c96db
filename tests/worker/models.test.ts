import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { openDB } from "idb";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EngineError } from "../../src/protocol/errors";
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

/** Spoils one stored chunk, as a failing disk would. */
async function spoil(): Promise<EngineError> {
  const { generation } = (await store.get(SHIPPED))!;
  const db = await openDB("gyre-weights");
  await db.put("chunks", new Blob(["spoilt"]), [SHIPPED, generation, "config.json", 0]);
  db.close();
  const { source } = await open();
  return source.read("config.json", 0, 5).then(
    () => {
      throw new Error("nothing is wrong");
    },
    (error: unknown) => EngineError.from(error),
  );
}

const mend = (id: string, damage: EngineError, signal = new AbortController().signal) => models.mend(id, damage, () => undefined, signal);

test("a damaged copy stays, and is named, until a new one is there", async () => {
  await open();
  const damage = await spoil();
  expect(damage).toMatchObject({ code: "model-damaged", message: expect.stringContaining("config.json is damaged: chunk 0") });
  const server = files;
  files = new Map(); // offline
  await expect(mend(SHIPPED, damage)).rejects.toMatchObject({
    code: "model-damaged",
    message: damage.message,
    detail: expect.stringContaining("gyre.json could not be fetched"),
  });
  expect(await store.get(SHIPPED), "still there").toBeDefined();
  files = server;
  for (const round of ["mended", "mended once more"]) {
    const again = round === "mended" ? damage : await spoil();
    expect(await mend(SHIPPED, again)).toBe(true);
    const { source } = await open();
    expect(await source.read("config.json", 0, files.get("config.json")!.length), round).toEqual(files.get("config.json"));
  }
});

test("an abort of mending is an abort; what is not shipped, or not stored, cannot be mended", async () => {
  await open();
  const damage = await spoil();
  await expect(mend(SHIPPED, damage, AbortSignal.abort())).rejects.toMatchObject({ name: "AbortError" });
  await store.stage("mine", "g").commit((await store.get(SHIPPED))!.manifest);
  expect(await mend("mine", damage)).toBe(false);
  expect(await store.get("mine")).toBeDefined();
  await store.remove(SHIPPED);
  expect(await mend(SHIPPED, damage)).toBe(false);
});
