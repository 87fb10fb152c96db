import "fake-indexeddb/auto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EngineError } from "../../src/protocol/errors";
import { openCheckpoint } from "../../src/weights/checkpoint";
import { downloadPackage, fetchManifest } from "../../src/weights/http_source";
import type { Manifest } from "../../src/weights/package";
import { PackageWriter } from "../../src/weights/package_writer";
import { Staging, WeightStore } from "../../src/weights/store";
import { storedSource } from "../../src/weights/stored_source";
import { concat, toBytes } from "./memory_source";

const CHUNK = 1000;
const DATA = Uint8Array.from({ length: 10_000 }, (_, i) => (i * i) % 253);

type Handler = (request: IncomingMessage, response: ServerResponse, body: Uint8Array<ArrayBuffer> | undefined) => void;

let server: Server;
let baseUrl = "";
let manifest: Manifest;
let files: Map<string, Uint8Array<ArrayBuffer>>;
let handler: Handler;
let requests: string[]; // path and range of each
let store: WeightStore;

beforeEach(async () => {
  files = new Map();
  const sink = {
    write: async (path: string, _: number, bytes: Uint8Array) => {
      files.set(path, concat(files.get(path) ?? new Uint8Array(0), bytes));
    },
  };
  const writer = new PackageWriter(sink, { name: "Demo", family: "lfm2", precision: "full", parameters: 1, rotation: null }, CHUNK);
  await writer.file("config.json", toBytes({ model_type: "lfm2" }));
  await writer.tensors([{ name: "x", dtype: "U8", shape: [DATA.length] }]);
  await writer.append("x", DATA);
  manifest = await writer.finish();
  handler = ranged;
  requests = [];
  server = createServer((request, response) => {
    const path = (request.url ?? "").replace("/models/demo/", "");
    requests.push(`${path} ${request.headers.range ?? "whole"}`);
    handler(request, response, files.get(path));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models/demo/`;
  globalThis.indexedDB = new IDBFactory();
  store = new WeightStore();
});

afterEach(async () => {
  vi.useRealTimers();
  await store.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** A server that knows ranges. */
const ranged: Handler = (request, response, body) => {
  if (body === undefined) return void response.writeHead(404).end();
  const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  if (match === null) return void response.writeHead(200, { "Content-Length": body.length }).end(body);
  const [start, end] = [Number(match[1]), Number(match[2]) + 1];
  response
    .writeHead(206, { "Content-Range": `bytes ${start}-${end - 1}/${body.length}`, "Content-Length": end - start })
    .end(body.subarray(start, end));
};

/** A server that does not. */
const plain: Handler = (_, response, body) => void (body === undefined ? response.writeHead(404).end() : response.writeHead(200).end(body));

interface Run {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}
const download = ({ signal = new AbortController().signal, onProgress = () => undefined }: Run = {}) =>
  downloadPackage({ id: "demo", baseUrl, manifest, store, signal, onProgress, backoffMs: 1 });

async function expectWhole(): Promise<void> {
  const checkpoint = await openCheckpoint(await storedSource(store, "demo"));
  expect(await checkpoint.tensor("x")).toEqual(DATA);
}

/** Aborts after some chunks of the weights, so that a part of them is stored. */
async function interrupt(): Promise<void> {
  const abort = new AbortController();
  const onProgress = (done: number) => {
    if (done > 4 * CHUNK) abort.abort();
  };
  await expect(download({ signal: abort.signal, onProgress })).rejects.toMatchObject({ name: "AbortError" });
  expect(await store.get("demo")).toBeUndefined();
  requests = [];
}

test("a whole package comes down in one request a file, and progress ends at the total", async () => {
  expect(await fetchManifest(baseUrl)).toEqual(manifest);
  const seen: number[] = [];
  await download({
    onProgress: (done, total) => {
      seen.push(done);
      expect(done).toBeLessThanOrEqual(total);
    },
  });
  expect(requests).toEqual(["gyre.json whole", "config.json whole", "model.safetensors whole"]);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(seen[0]).toBe(0);
  expect(seen.at(-1)).toBe(manifest.files.reduce((sum, file) => sum + file.bytes, 0));
  await expectWhole();
});

test("after an abort only what is missing is asked for", async () => {
  await interrupt();
  const seen: number[] = [];
  await download({ onProgress: (done) => seen.push(done) });
  expect(requests).toHaveLength(1);
  expect(requests[0]).toMatch(/^model\.safetensors bytes=[1-9]\d*000-\d+$/);
  expect(seen[0]).toBeGreaterThanOrEqual(3 * CHUNK);
  await expectWhole();
});

test("a server that ignores ranges is gone on with too", async () => {
  await interrupt();
  handler = plain;
  await download();
  expect(requests).toHaveLength(1);
  await expectWhole();
});

test("holes are filled one by one", async () => {
  await download();
  const generation = (await store.get("demo"))?.generation ?? "";
  const staging = store.stage("again", generation);
  const weights = files.get("model.safetensors")!;
  for (const index of [0, 3, 4, 9]) await staging.write("model.safetensors", index, weights.slice(index * CHUNK, (index + 1) * CHUNK));
  requests = [];
  await downloadPackage({ id: "again", baseUrl, manifest, store, signal: new AbortController().signal, onProgress: () => undefined });
  expect(requests).toEqual([
    "config.json whole",
    "model.safetensors bytes=1000-2999",
    "model.safetensors bytes=5000-8999",
    `model.safetensors bytes=10000-${weights.length - 1}`,
  ]);
});

test("a stored package asks for nothing", async () => {
  await download();
  requests = [];
  await download();
  expect(requests).toEqual([]);
});

test("a connection that breaks now and then only costs time", async () => {
  handler = (request, response, body) => {
    if (body === undefined || body.length < CHUNK) return ranged(request, response, body);
    const start = Number(/bytes=(\d+)/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, {
      "Content-Length": body.length - start,
      "Content-Range": `bytes ${start}-${body.length - 1}/${body.length}`,
    });
    response.write(body.subarray(start, start + 1500), () => setTimeout(() => response.destroy(), 20));
  };
  await download();
  expect(requests.length).toBeGreaterThan(6);
  await expectWhole();
});

test("a chunk that stays wrong is damage that names file and chunk, after a few attempts", async () => {
  files.get("model.safetensors")![3500]! ^= 1;
  await expect(download()).rejects.toMatchObject({
    code: "model-damaged",
    message: expect.stringMatching(/Chunk 3 of model\.safetensors.*checksum/),
  });
  expect(requests).toHaveLength(1 + 4);
  expect(await store.get("demo")).toBeUndefined();
});

test("a chunk that is wrong once is fetched again", async () => {
  let attempts = 0;
  handler = (request, response, body) => {
    const isFirst = (request.url ?? "").endsWith("safetensors") && ++attempts === 1;
    const sent = isFirst ? body?.map((byte, i) => (i === 3500 ? byte ^ 1 : byte)) : body;
    ranged(request, response, sent);
  };
  await download();
  await expectWhole();
});

test("a file that ends too soon is damage that names file and chunk", async () => {
  files.set("model.safetensors", files.get("model.safetensors")!.slice(0, 5200));
  handler = plain;
  await expect(download()).rejects.toMatchObject({
    code: "model-damaged",
    message: expect.stringMatching(/Chunk 5 of model\.safetensors.*200 of its 1000 bytes/),
  });
});

test("another range than the one asked for is not taken for it", async () => {
  await interrupt();
  handler = (_, response, body) =>
    void response.writeHead(206, { "Content-Range": `bytes 0-9/${body?.length}` }).end(body?.subarray(0, 10));
  await expect(download()).rejects.toMatchObject({ code: "network" });
});

test("an absent file or package is named at once", async () => {
  files.delete("model.safetensors");
  await expect(download()).rejects.toMatchObject({ code: "model-missing", message: expect.stringContaining("model.safetensors") });
  expect(requests.filter((request) => request.startsWith("model"))).toHaveLength(1);
  files.delete("gyre.json");
  await expect(fetchManifest(baseUrl)).rejects.toMatchObject({ code: "model-missing" });
});

test("the app's page in place of a package is an absent package", async () => {
  handler = (_, response) => void response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html>");
  await expect(fetchManifest(baseUrl)).rejects.toMatchObject({ code: "model-missing" });
});

test("a broken manifest is damage", async () => {
  files.set("gyre.json", toBytes("{"));
  await expect(fetchManifest(baseUrl)).rejects.toMatchObject({ code: "model-damaged" });
});

test("a failing server and no server at all are network errors, after a few attempts", async () => {
  handler = (_, response) => void response.writeHead(503).end();
  await expect(download()).rejects.toMatchObject({ code: "network", message: expect.stringContaining("503") });
  expect(requests).toHaveLength(4);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await expect(download()).rejects.toMatchObject({ code: "network" });
  await expect(fetchManifest(baseUrl)).rejects.toMatchObject({ code: "network" });
});

test("an abort while waiting to try again ends the wait", async () => {
  const abort = new AbortController();
  handler = (_, response) => void response.writeHead(503).end(() => setTimeout(() => abort.abort(), 50));
  const done = downloadPackage({
    id: "demo",
    baseUrl,
    manifest,
    store,
    signal: abort.signal,
    onProgress: () => undefined,
    backoffMs: 600_000, // longer than a test may take
  });
  await expect(done).rejects.toMatchObject({ name: "AbortError" });
});

test.each(["before its headers", "within its body"])(
  "a server that falls silent %s is a network error, and what came before is kept",
  async (when) => {
    // The client's clock stands until all that the server says has come.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const sent = when === "within its body" ? 4500 : 0;
    const before = manifest.files[0]!.bytes + sent;
    let asked = () => {};
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    handler = (request, response, body) => {
      if (!(request.url ?? "").endsWith("safetensors")) return ranged(request, response, body);
      if (sent > 0) response.writeHead(200, { "Content-Length": body?.length }).write(body?.subarray(0, sent));
      asked();
    };
    let done = 0;
    const silent = downloadPackage({
      ...{ id: "demo", baseUrl, manifest, store, signal: new AbortController().signal, attempts: 1 },
      onProgress: (bytes) => {
        done = bytes;
      },
    });
    const failure = silent.catch((thrown: unknown) => thrown);
    await isAsked;
    while (done < before) await new Promise((resolve) => setImmediate(resolve));
    vi.advanceTimersByTime(20_000);
    expect(await failure).toMatchObject({
      code: "network",
      message: expect.stringMatching(/model\.safetensors.*nothing came for 20 seconds/),
    });
    vi.useRealTimers();
    expect(requests).toHaveLength(2);
    handler = ranged;
    await download();
    expect(requests.at(-1)).toBe(
      `model.safetensors ${when === "within its body" ? `bytes=4000-${files.get("model.safetensors")!.length - 1}` : "whole"}`,
    );
    await expectWhole();
  },
);

test("a spent quota is reported at once", async () => {
  const write = vi.spyOn(Staging.prototype, "write").mockRejectedValue(new EngineError("storage-full", "full"));
  await expect(download()).rejects.toMatchObject({ code: "storage-full" });
  write.mockRestore();
  expect(requests).toHaveLength(1);
});
