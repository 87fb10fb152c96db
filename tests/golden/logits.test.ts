// Tiny random models against transformers: logits at every position, fed all at once, in pieces and token by token.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FolderSource } from "../../src/cli/folder_source";
import { Engine } from "../../src/engine/engine";
import { widen } from "../../src/quantize/floats";
import { readHeader } from "../../src/weights/safetensors";
import { useGpu } from "../setup/gpu";
import { fixture, logitsOf, openFixture } from "../setup/models";

const bench = useGpu();
const fixtures = join(import.meta.dirname, "fixtures");
const names = readdirSync(fixtures).filter((name) => existsSync(join(fixtures, name, "golden.safetensors")));

async function golden(folder: string) {
  const source = new FolderSource(folder);
  const { tensors } = await readHeader(source, "golden.safetensors");
  const read = async (name: string) => {
    const info = tensors.get(name);
    if (!info) throw new Error(`golden.safetensors has no ${name}`);
    return { info, bytes: await source.read("golden.safetensors", info.begin, info.end) };
  };
  const { info, bytes } = await read("tokens");
  const tokens = info.dtype === "I64" ? [...new BigInt64Array(bytes.buffer)].map(Number) : [...new Int32Array(bytes.buffer)];
  return { tokens, logits: widen((await read("logits")).bytes, "F32") };
}

function largest(values: Float32Array): number {
  return values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
}

test("there are fixtures of every family", () => {
  expect(names.filter((name) => name.startsWith("lfm2")).length).toBeGreaterThanOrEqual(4);
  expect(names.filter((name) => name.startsWith("llama")).length).toBeGreaterThanOrEqual(4);
  expect(names.filter((name) => name.startsWith("qwen3")).length).toBeGreaterThanOrEqual(1);
});

test.each(names)(
  "%s: full precision is within 1e-3 of the largest logit, fed at once or token by token, with equal bits",
  (name) =>
    bench.run(async () => {
      const { tokens, logits } = await golden(fixture(name));
      const engine = await Engine.load(bench.gpu, await openFixture(name), { precision: "full", maxRows: 64, maxHeadRows: 64 });
      const alone = await logitsOf(engine, tokens, 1);
      const worst = alone.reduce((most, x, i) => Math.max(most, Math.abs(x - (logits[i] ?? Number.NaN))), 0);
      expect(alone.length).toBe(logits.length);
      expect(worst).toBeLessThanOrEqual(1e-3 * largest(logits));
      for (const rows of [5, 64]) expect(await logitsOf(engine, tokens, rows), `${rows} rows`).toEqual(alone);
      engine.dispose();
    }),
  120_000,
);
