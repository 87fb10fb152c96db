import fc from "fast-check";
import { expect, test } from "vitest";
import { openCheckpoint } from "../../src/weights/checkpoint";
import { MANIFEST_PATH, sha256 } from "../../src/weights/package";
import { type PackageSink, PackageWriter } from "../../src/weights/package_writer";
import { type TensorSpec, tensorBytes } from "../../src/weights/safetensors";
import type { PackageInfo } from "../../src/weights/source";
import { concat, MemorySource, toBytes } from "./memory_source";

const INFO: PackageInfo = {
  name: "Demo",
  family: "lfm2",
  precision: "w8a8",
  parameters: 60,
  rotation: { signs: "fmix32", maxBlock: 1024 },
};

/** Keeps copies: the writer may reuse what it hands over. */
class MemorySink implements PackageSink {
  readonly chunks = new Map<string, Uint8Array<ArrayBuffer>[]>();
  readonly order: string[] = [];

  async write(path: string, chunkIndex: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const list = this.chunks.get(path) ?? [];
    expect(chunkIndex).toBe(list.length);
    list.push(bytes.slice());
    this.chunks.set(path, list);
    this.order.push(path);
  }

  files(): Record<string, Uint8Array<ArrayBuffer>> {
    return Object.fromEntries([...this.chunks].map(([path, list]) => [path, concat(...list)]));
  }
}

const SPECS: readonly TensorSpec[] = [
  { name: "empty", dtype: "F32", shape: [0] },
  { name: "x.weight", dtype: "I8", shape: [3, 16] },
  { name: "x.weight_scale", dtype: "F32", shape: [3] },
];
const data = (spec: TensorSpec) => Uint8Array.from({ length: tensorBytes(spec) }, (_, i) => i * 7 + spec.name.length);

test("what is written opens again, however the tensors are cut and whatever the chunks' size", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 60 }), async (chunkBytes, step) => {
      const sink = new MemorySink();
      const writer = new PackageWriter(sink, INFO, chunkBytes);
      await writer.file("config.json", toBytes({ model_type: "lfm2" }));
      await writer.tensors(SPECS);
      for (const spec of SPECS) {
        const bytes = data(spec);
        for (let at = 0; at < bytes.length; at += step) await writer.append(spec.name, bytes.subarray(at, at + step));
      }
      const manifest = await writer.finish();
      expect(sink.order.at(-1)).toBe(MANIFEST_PATH);
      expect(manifest.files.map((file) => file.path)).toEqual(["config.json", "model.safetensors"]);
      for (const file of manifest.files) {
        const chunks = sink.chunks.get(file.path) ?? [];
        expect(await Promise.all(chunks.map(sha256))).toEqual(file.chunks);
        expect(chunks.slice(0, -1).every((chunk) => chunk.length === chunkBytes)).toBe(true);
      }
      const checkpoint = await openCheckpoint(new MemorySource(sink.files()));
      expect(checkpoint.packed).toMatchObject(INFO);
      for (const spec of SPECS) expect(await checkpoint.tensor(spec.name)).toEqual(data(spec));
    }),
    { numRuns: 40 },
  );
});

test("a model without tensors closes its file at once", async () => {
  const sink = new MemorySink();
  const writer = new PackageWriter(sink, INFO);
  await writer.tensors([]);
  expect((await writer.finish()).files).toHaveLength(1);
});

const MISUSES: readonly (readonly [what: string, use: (writer: PackageWriter) => Promise<unknown>])[] = [
  ["a tensor before the header", (writer) => writer.append("x.weight", new Uint8Array(1))],
  ["tensors out of order", (writer) => writer.tensors(SPECS).then(() => writer.append("x.weight_scale", new Uint8Array(12)))],
  ["too many bytes", (writer) => writer.tensors(SPECS).then(() => writer.append("x.weight", new Uint8Array(49)))],
  ["an end too soon", (writer) => writer.tensors(SPECS).then(() => writer.finish())],
  ["a file between tensors", (writer) => writer.tensors(SPECS).then(() => writer.file("a", new Uint8Array(1)))],
  ["a file twice", (writer) => writer.file("a", new Uint8Array(1)).then(() => writer.file("a", new Uint8Array(1)))],
  ["gyre.json as a file", (writer) => writer.file(MANIFEST_PATH, new Uint8Array(1))],
];

test.each(MISUSES)("%s is refused, and no gyre.json is written", async (_, use) => {
  const sink = new MemorySink();
  await expect(use(new PackageWriter(sink, INFO))).rejects.toMatchObject({ code: "internal" });
  expect(sink.chunks.has(MANIFEST_PATH)).toBe(false);
});
