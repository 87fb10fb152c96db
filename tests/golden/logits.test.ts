// Tiny random models against transformers: logits at every position, fed all at once, in pieces and token by token.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FolderSource } from "../../src/cli/folder_source";
import { Engine } from "../../src/engine/engine";
import { widen } from "../../src/quantize/floats";
import { openCheckpoint } from "../../src/weights/checkpoint";
import { readHeader } from "../../src/weights/safetensors";
import { useGpu } from "../setup/gpu";

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

async function logitsOf(engine: Engine, tokens: readonly number[], rows: number): Promise<Float32Array> {
  const parts: number[] = [];
  for await (const part of engine.logits(tokens, rows)) parts.push(...part);
  return Float32Array.from(parts);
}

function largest(values: Float32Array): number {
  return values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
}

test("there are fixtures of both families", () => {
  expect(names.filter((name) => name.startsWith("lfm2")).length).toBeGreaterThanOrEqual(4);
  expect(names.filter((name) => name.startsWith("llama")).length).toBeGreaterThanOrEqual(4);
});

describe.each(names)("%s", (name) => {
  test(
    "full precision: within 1e-3 of the largest logit, however the tokens are fed; equal bits for 1 to 16 rows",
    () =>
      bench.run(async () => {
        const folder = join(fixtures, name);
        const { tokens, logits } = await golden(folder);
        const engine = await Engine.load(bench.gpu, await openCheckpoint(new FolderSource(folder)), {
          precision: "full",
          maxRows: 64,
          maxHeadRows: 64,
        });
        const alone = await logitsOf(engine, tokens, 1);
        for (const [rows, actual] of [[1, alone], ...(await Promise.all([])), [64, await logitsOf(engine, tokens, 64)]] as const) {
          expect(actual.length).toBe(logits.length);
          const worst = actual.reduce((most, x, i) => Math.max(most, Math.abs(x - (logits[i] ?? Number.NaN))), 0);
          expect(worst, `${rows} rows a pass`).toBeLessThanOrEqual(1e-3 * largest(logits));
        }
        expect(await logitsOf(engine, tokens, 5)).toEqual(alone);
        expect(await logitsOf(engine, tokens, 16)).toEqual(alone);
        engine.dispose();
      }),
    60_000,
  );
});
