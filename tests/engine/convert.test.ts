import { expect, test } from "vitest";
import { convertCheckpoint } from "../../src/engine/convert";
import { Engine } from "../../src/engine/engine";
import { EngineError } from "../../src/protocol/errors";
import { openCheckpoint } from "../../src/weights/checkpoint";
import { CHUNK_BYTES } from "../../src/weights/package";
import type { PackageSink } from "../../src/weights/package_writer";
import type { Source } from "../../src/weights/source";
import { useGpu } from "../setup/gpu";
import { logitsOf, openFixture } from "../setup/models";

const bench = useGpu();

/** A package in memory: a sink to write, and a source to read. */
class MemoryPackage implements PackageSink, Source {
  readonly name = "memory";
  readonly #files = new Map<string, Uint8Array<ArrayBuffer>>();

  async write(path: string, chunkIndex: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const start = chunkIndex * CHUNK_BYTES;
    const grown = new Uint8Array(start + bytes.length);
    grown.set(this.#files.get(path) ?? new Uint8Array());
    grown.set(bytes, start);
    this.#files.set(path, grown);
  }

  async has(path: string): Promise<boolean> {
    return this.#files.has(path);
  }

  async size(path: string): Promise<number> {
    return this.#file(path).length;
  }

  async read(path: string, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#file(path).slice(start, end);
  }

  #file(path: string): Uint8Array<ArrayBuffer> {
    const file = this.#files.get(path);
    if (!file) throw new EngineError("model-missing", `${path} is missing.`);
    return file;
  }
}

test.each(["lfm2-conv-bias-bf16", "llama-bias-bf16"])(
  "a W8A8 package of %s computes what its original does in W8A8, bit for bit",
  (name) =>
    bench.run(async () => {
      const original = await openFixture(name);
      const folder = new MemoryPackage();
      const heard: number[] = [];
      const manifest = await convertCheckpoint(
        original,
        { precision: "w8a8", name: "Test", onProgress: (done) => heard.push(done) },
        folder,
      );
      expect(manifest).toMatchObject({ name: "Test", precision: "w8a8", rotation: { signs: "fmix32", maxBlock: 1024 } });
      expect(heard.at(-1)).toBeLessThanOrEqual(original.bytes);
      expect(heard).toEqual(heard.toSorted((a, b) => a - b));
      const converted = await openCheckpoint(folder);
      expect([...converted.tensors.keys()]).not.toContain("lm_head.weight"); // a copy of the tied table

      const tokens = [1, 5, 9, 13, 17, 21];
      const options = { precision: "w8a8", maxHeadRows: 8 } as const;
      const before = await Engine.load(bench.gpu, original, options);
      const after = await Engine.load(bench.gpu, converted, options);
      expect(await logitsOf(after, tokens, 6)).toEqual(await logitsOf(before, tokens, 6));
      await expect(Engine.load(bench.gpu, converted, { precision: "full" })).rejects.toMatchObject({ code: "bad-request" });
      await expect(convertCheckpoint(converted, { precision: "w8a8", name: "Again" }, folder)).rejects.toMatchObject({
        code: "bad-request",
      });
      before.dispose();
      after.dispose();
    }),
  120_000,
);

test("an aborted conversion leaves no manifest", async () => {
  const folder = new MemoryPackage();
  const controller = new AbortController();
  const options = { precision: "w8a8", name: "Test", signal: controller.signal, onProgress: () => controller.abort() } as const;
  await expect(convertCheckpoint(await openFixture("llama-tied-bf16"), options, folder)).rejects.toMatchObject({ name: "AbortError" });
  expect(await folder.has("gyre.json")).toBe(false);
});
