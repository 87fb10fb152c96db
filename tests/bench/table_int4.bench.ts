// W4A8 leaves the table of the vocabulary INT8. What would INT4 cost there, and save? The codes that an INT4 table amounts to (INT4 code times its
// group's scale) are INT8 codes, so the engine computes with them what it would with INT4. MODEL=DIR: a folder of floats; TEXT=FILE: its first tokens.
import { test } from "vitest";
import { FolderSource } from "../../src/cli/folder_source";
import { widen } from "../../src/quantize/floats";
import { expandInt4, int4CodeBytes, int4GroupBytes, rotateQuantizeInt4 } from "../../src/quantize/int4";
import { paddedWidth } from "../../src/quantize/int8";
import { openCheckpoint } from "../../src/weights/checkpoint";
import type { Checkpoint, TensorInfo } from "../../src/weights/source";
import { compareLogits, givenText, goldenTexts, logitsAlong } from "../setup/divergence";
import { useGpu } from "../setup/gpu";
import { fixture } from "../setup/models";

const bench = useGpu();
const TOKENS = 480;
const TABLE = "model.embed_tokens.weight";

function tableOf({ tensors }: Checkpoint): TensorInfo & { readonly rows: number; readonly width: number } {
  const info = tensors.get(TABLE);
  const [rows = 0, width = 0] = info?.shape ?? [];
  if (!info) throw new Error(`the model has no ${TABLE}`);
  return { ...info, rows, width };
}

/** The model with its table as INT8 codes that four bits could hold. */
async function withInt4Table(checkpoint: Checkpoint): Promise<Checkpoint> {
  const { rows, width, dtype, ...info } = tableOf(checkpoint);
  if (dtype !== "F32" && dtype !== "F16" && dtype !== "BF16") throw new Error(`the table holds ${dtype}, not floats`);
  const { codes, scales } = expandInt4(rotateQuantizeInt4(widen(await checkpoint.tensor(TABLE), dtype), width), width);
  const stride = paddedWidth(width);
  const made: readonly (readonly [TensorInfo, Uint8Array<ArrayBuffer>, number])[] = [
    [{ ...info, dtype: "I8", shape: [rows, stride], begin: 0, end: rows * stride }, new Uint8Array(codes.buffer), stride],
    [{ ...info, name: `${TABLE}_scale`, dtype: "F32", shape: [rows], begin: 0, end: rows * 4 }, new Uint8Array(scales.buffer), 4],
  ];
  return {
    ...checkpoint,
    tensors: new Map([...checkpoint.tensors, ...made.map(([tensor]) => [tensor.name, tensor] as const)]),
    async tensor(name, from, to) {
      const own = made.find(([tensor]) => tensor.name === name);
      return own ? own[1].slice((from ?? 0) * own[2], (to ?? rows) * own[2]) : checkpoint.tensor(name, from, to);
    },
  };
}

test("table_int4", async () => {
  const folder = process.env["MODEL"] ?? fixture("stories260k");
  const checkpoint = await openCheckpoint(new FolderSource(folder));
  const texts = (await givenText(folder, TOKENS)) ?? (await goldenTexts());
  const exact = await logitsAlong(bench.gpu, checkpoint, "full", texts);
  const score = async (model: Checkpoint) => compareLogits(await logitsAlong(bench.gpu, model, "w4a8", texts), exact);
  const { rows, width } = tableOf(checkpoint);
  const bytes = { int8: rows * (paddedWidth(width) + 4), int4: rows * (int4CodeBytes(width) + int4GroupBytes(width) + 4) };
  console.log(`\n| W4A8, ${exact.length} tokens | KL, nats a token | top-1 | bytes of the table |\n|---|---|---|---|`);
  for (const [name, model, size] of [
    ["INT8 table", checkpoint, bytes.int8],
    ["INT4 table", await withInt4Table(checkpoint), bytes.int4],
  ] as const) {
    const { divergence, agreement } = await score(model);
    console.log(`| ${name} | ${divergence.toPrecision(3)} | ${agreement.toPrecision(3)} | ${size} |`);
  }
});
