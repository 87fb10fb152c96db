import { expect, test } from "vitest";
import { convertCheckpoint } from "../../src/engine/convert";
import { Engine } from "../../src/engine/engine";
import { parseModel } from "../../src/models/registry";
import { EngineError } from "../../src/protocol/errors";
import { expandInt4 } from "../../src/quantize/int4";
import { paddedWidth } from "../../src/quantize/int8";
import { openCheckpoint } from "../../src/weights/checkpoint";
import { CHUNK_BYTES } from "../../src/weights/package";
import type { PackageSink } from "../../src/weights/package_writer";
import type { Checkpoint, Source } from "../../src/weights/source";
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

test.each([
  ["w8a8", "lfm2-conv-bias-bf16"],
  ["w8a8", "llama-bias-bf16"],
  ["w4a8", "lfm2-conv-bias-bf16"],
  ["w4a8", "stories260k"], // its widths are no multiple of 32
] as const)(
  "a %s package of %s computes what its original does, bit for bit",
  (precision, name) =>
    bench.run(async () => {
      const original = await openFixture(name);
      const folder = new MemoryPackage();
      const heard: number[] = [];
      const manifest = await convertCheckpoint(original, { precision, name: "Test", onProgress: (done) => heard.push(done) }, folder);
      expect(manifest).toMatchObject({ name: "Test", precision, rotation: { signs: "fmix32", maxBlock: 1024 } });
      expect(heard.at(-1)).toBeLessThanOrEqual(original.bytes);
      expect(heard).toEqual(heard.toSorted((a, b) => a - b));
      const converted = await openCheckpoint(folder);
      expect([...converted.tensors.keys()]).not.toContain("lm_head.weight"); // a copy of the tied table

      const tokens = [1, 5, 9, 13, 17, 21];
      const options = { maxHeadRows: 8 } as const;
      const before = await Engine.load(bench.gpu, original, { ...options, precision });
      const logits = await logitsOf(before, tokens, 6);
      const after = await Engine.load(bench.gpu, converted, options);
      expect(after.precision).toBe(precision);
      expect(await logitsOf(after, tokens, 6)).toEqual(logits);
      const other = precision === "w8a8" ? "w4a8" : "w8a8";
      for (const wrong of ["full", other] as const) {
        await expect(Engine.load(bench.gpu, converted, { precision: wrong })).rejects.toMatchObject({ code: "bad-request" });
      }
      await expect(convertCheckpoint(converted, { precision: "w8a8", name: "Again" }, folder)).rejects.toMatchObject({
        code: "bad-request",
      });
      if (precision === "w4a8") {
        const wide = await Engine.load(bench.gpu, expanded(converted), options);
        expect(wide.precision).toBe("w8a8");
        expect(await logitsOf(wide, tokens, 6), "INT4 codes times their groups' scales, as INT8").toEqual(logits);
        expect(after.memory.weightBytes).toBeLessThan(0.8 * wide.memory.weightBytes); // of so small a model the table is a large part
        wide.dispose();
      }
      before.dispose();
      after.dispose();
    }),
  120_000,
);

/** A W4A8 package as one of W8A8 whose codes are what the INT4 codes amount to. */
function expanded(checkpoint: Checkpoint): Checkpoint {
  const { packed, tensors } = checkpoint;
  if (!packed) throw new Error("this is no package");
  const floats = async (name: string, from?: number, to?: number) => new Float32Array((await checkpoint.tensor(name, from, to)).buffer);
  const widths = new Map(
    parseModel(checkpoint.config).linears.flatMap(({ names, inputs }) => names.map((name) => [`${name}.weight`, inputs])),
  );
  const width = (name: string) => Number(widths.get(name));
  const isInt4 = (name: string) => tensors.get(name)?.dtype === "U8";
  return {
    ...checkpoint,
    source: checkpoint.source,
    packed: { ...packed, precision: "w8a8" },
    tensors: new Map(
      [...tensors.values()]
        .filter(({ name }) => !name.endsWith("_groups"))
        .map((info) => {
          if (!isInt4(info.name)) return [info.name, info];
          const rows = info.shape[0] ?? 0;
          const stride = paddedWidth(width(info.name));
          return [info.name, { ...info, dtype: "I8", shape: [rows, stride], begin: 0, end: rows * stride }];
        }),
    ),
    async tensor(name, from, to) {
      const codes = await checkpoint.tensor(name, from, to);
      if (!isInt4(name)) return codes;
      const groups = await checkpoint.tensor(`${name}_groups`, from, to);
      const scales = await floats(`${name}_scale`, from, to);
      return new Uint8Array(expandInt4({ codes, groups, scales }, width(name)).codes.buffer);
    },
  };
}

test("an aborted conversion leaves no manifest", async () => {
  const folder = new MemoryPackage();
  const controller = new AbortController();
  const options = { precision: "w8a8", name: "Test", signal: controller.signal, onProgress: () => controller.abort() } as const;
  await expect(convertCheckpoint(await openFixture("llama-tied-bf16"), options, folder)).rejects.toMatchObject({ name: "AbortError" });
  expect(await folder.has("gyre.json")).toBe(false);
});
