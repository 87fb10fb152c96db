import { basename, resolve } from "node:path";
import { convertCheckpoint } from "../engine/convert";
import { openCheckpoint } from "../weights/checkpoint";
import { packageBytes } from "../weights/package";
import { defineCommand } from "./command";
import { FolderSink } from "./folder_sink";
import { FolderSource } from "./folder_source";
import { precisionOption, required, type Values } from "./options";
import type { Terminal } from "./terminal";

const OPTIONS = {
  model: { type: "string", value: "DIR", help: "the model's folder, in Hugging Face layout" },
  precision: { type: "string", value: "P", help: "w8a8, w4a8 or full (default w8a8)" },
  name: { type: "string", value: "NAME", help: "what people will see it called (default: the folder's name)" },
  out: { type: "string", value: "DIR", help: "where to write; an empty folder, a new one, or an older package to replace" },
} as const;

export const convert = defineCommand({
  name: "convert",
  summary: "Makes a Gyre package of a model: weights rotated and quantised, with hashes of every part.",
  usage: "--model DIR --precision w8a8 --out DIR",
  options: OPTIONS,
  run: runConvert,
});

async function runConvert(values: Values<typeof OPTIONS>, terminal: Terminal): Promise<void> {
  const folder = required(values.model, "model");
  const out = required(values.out, "out");
  const precision = precisionOption(values.precision) ?? "w8a8";
  const name = values.name ?? basename(resolve(folder));
  const checkpoint = await openCheckpoint(new FolderSource(folder));
  const sink = await FolderSink.open(out);
  try {
    const onProgress = (done: number, total: number) => terminal.progress(`Converting: ${Math.floor((100 * done) / Math.max(1, total))} %`);
    const manifest = await convertCheckpoint(checkpoint, { precision, name, onProgress, signal: terminal.signal }, sink);
    terminal.progress(null);
    const { family, parameters, files } = manifest;
    await terminal.out(
      `${JSON.stringify({ out, name, family, precision, parameters, bytes: packageBytes(manifest), files: files.length })}\n`,
    );
  } catch (error) {
    await sink.discard();
    throw error;
  }
}
