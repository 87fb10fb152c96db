import { type FileHandle, open, rm } from "node:fs/promises";
import type { Engine } from "../engine/engine";
import { openCheckpoint } from "../weights/checkpoint";
import { encodeHeader } from "../weights/safetensors";
import { defineCommand } from "./command";
import { FolderSource } from "./folder_source";
import { withEngine, withGpu } from "./open_engine";
import { bad, countOption, precisionOption, required, tokensOption, type Values } from "./options";
import type { Terminal } from "./terminal";

const DEFAULT_ROWS = 16;

const OPTIONS = {
  model: { type: "string", value: "DIR", help: "the model's folder" },
  tokens: { type: "string", value: "1,2,3", help: "token ids" },
  precision: { type: "string", value: "P", help: "full, w8a8 or w4a8 (default: what a package holds, else w8a8)" },
  rows: { type: "string", value: "N", help: `tokens a pass; 1 is token by token (default ${DEFAULT_ROWS})` },
  out: { type: "string", value: "FILE", help: "the safetensors file to write" },
} as const;

export const logits = defineCommand({
  name: "logits",
  summary: "Writes the logits at every position of a sequence of tokens.",
  usage: "--model DIR --tokens 1,2,3 --out FILE.safetensors [options]",
  notes: 'The file has one tensor, "logits", of 32-bit floats: [tokens, vocabulary].',
  options: OPTIONS,
  run: runLogits,
});

async function runLogits(values: Values<typeof OPTIONS>, terminal: Terminal): Promise<void> {
  const folder = required(values.model, "model");
  const out = required(values.out, "out");
  const tokens = tokensOption(required(values.tokens, "tokens"));
  const precision = precisionOption(values.precision);
  const rows = Math.min(countOption(values.rows, "rows") ?? DEFAULT_ROWS, tokens.length);
  const checkpoint = await openCheckpoint(new FolderSource(folder));
  // Room for just these tokens, or one that is too long would be refused at a default that suits chatting.
  const options = { maxRows: rows, maxHeadRows: rows, contextLength: Math.max(2, tokens.length), ...(precision && { precision }) };
  await withGpu((gpu) =>
    withEngine(gpu, checkpoint, options, terminal, async (engine) => {
      await writeLogits(engine, tokens, rows, out, terminal);
      const summary = {
        tokens: tokens.length,
        vocabulary: engine.shape.vocabularySize,
        rows,
        precision: engine.precision,
        adapter: gpu.name,
      };
      await terminal.out(`${JSON.stringify({ ...summary, file: out })}\n`);
    }),
  );
}

/** Writes pass by pass, since all logits together may be larger than memory. A file that could not be completed is removed. */
async function writeLogits(engine: Engine, tokens: readonly number[], rows: number, path: string, terminal: Terminal): Promise<void> {
  const { header } = encodeHeader([{ name: "logits", dtype: "F32", shape: [tokens.length, engine.shape.vocabularySize] }], path);
  let file: FileHandle | null = null;
  let complete = false;
  let isFile = false; // and not, say, /dev/null
  try {
    // The first pass comes before the file is opened, so that bad tokens do not cost an older file.
    for await (const pass of engine.logits(tokens, rows)) {
      terminal.signal.throwIfAborted();
      if (file === null) {
        file = await open(path, "w").catch(unwritable);
        isFile = (await file.stat()).isFile();
        await file.writeFile(header).catch(unwritable);
      }
      await file.writeFile(new Uint8Array(pass.buffer)).catch(unwritable);
    }
    complete = true;
  } finally {
    await file?.close();
    if (!complete && isFile) await rm(path, { force: true });
  }
}

function unwritable(error: unknown): never {
  throw bad("The output cannot be written.", error instanceof Error ? error.message : String(error));
}
