// A model of a real shape with random weights, for measuring without its files. Its INT8 codes are made as they are asked for, a few
// megabytes at a time, so a model of any size needs no more memory than it takes on the GPU.
import { parseModel } from "../models/registry";
import { EngineError } from "../protocol/errors";
import { MAX_BLOCK } from "../quantize/hadamard";
import { paddedWidth } from "../quantize/int8";
import { SIGNS } from "../quantize/signs";
import type { Checkpoint, Dtype, Source, TensorInfo } from "../weights/source";
import { randomCodes } from "./random";

/** What is known of a model besides its weights. */
export interface ModelShapeFile {
  readonly config: Readonly<Record<string, unknown>>; // config.json
  /** Tensors that no linear has: their shapes by name, where * is any layer's number. Those of layers of another type do no harm. */
  readonly others: Readonly<Record<string, readonly number[]>>;
}

const BLOCK = 1 << 20; // random bytes that are repeated

/** A W8A8 package that has no files. The same name gives the same weights. */
export function randomCheckpoint(name: string, { config, others }: ModelShapeFile): Checkpoint {
  const { linears } = parseModel(config);
  const tensors = new Map<string, TensorInfo>();
  const widths = new Map<string, number>(); // of the rows that a scale belongs to
  const add = (tensor: string, dtype: Dtype, shape: readonly number[]) => {
    const bytes = shape.reduce((a, b) => a * b, 1) * (dtype === "I8" ? 1 : 4);
    tensors.set(tensor, { name: tensor, dtype, shape, file: name, begin: 0, end: bytes });
  };
  for (const { names, outputs, inputs } of linears) {
    for (const [i, linear] of names.entries()) {
      const rows = outputs[i] ?? 0;
      add(`${linear}.weight`, "I8", [rows, paddedWidth(inputs)]);
      add(`${linear}.weight_scale`, "F32", [rows]);
      widths.set(`${linear}.weight_scale`, inputs);
    }
  }
  const layers = Number(config["num_hidden_layers"]);
  for (const [pattern, shape] of Object.entries(others)) {
    const count = pattern.includes("*") ? layers : 1;
    for (let layer = 0; layer < count; layer++) add(pattern.replace("*", String(layer)), "F32", shape);
  }

  const random = new Uint8Array(randomCodes(BLOCK, seedOf(name)).buffer);
  return {
    source: noFiles(name),
    config: { ...config },
    generationConfig: {},
    packed: {
      name,
      family: String(config["model_type"]),
      precision: "w8a8",
      parameters: [...tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
      rotation: { signs: SIGNS, maxBlock: MAX_BLOCK },
    },
    tensors,
    bytes: [...tensors.values()].reduce((sum, { end }) => sum + end, 0),
    async tensor(tensor, from = 0, to) {
      const info = tensors.get(tensor);
      if (!info) throw new EngineError("model-missing", `The shape has no tensor ${tensor}.`, name);
      const rows = info.shape[0] ?? 0;
      const rowBytes = info.end / rows;
      const begin = from * rowBytes;
      const bytes = new Uint8Array(((to ?? rows) - from) * rowBytes);
      if (info.dtype === "I8") fillFrom(random, begin, bytes);
      // Uniform codes have a deviation of 73: with this scale a row keeps the size of what it multiplies, as norms with weight 1 do.
      else new Float32Array(bytes.buffer).fill(widths.has(tensor) ? 1 / (73 * Math.sqrt(widths.get(tensor) ?? 1)) : 1);
      return bytes;
    },
  };
}

function seedOf(name: string): number {
  return [...name].reduce((hash, character) => (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) | 0, 0x5eed) || 1;
}

function fillFrom(block: Uint8Array, offset: number, target: Uint8Array): void {
  for (let done = 0; done < target.length; ) {
    // A step that is no power of two, so that rows of such widths are not all alike.
    const from = ((offset + done) * 3) % (block.length - 4099);
    const part = block.subarray(from, Math.min(block.length, from + target.length - done, from + 65_521));
    target.set(part, done);
    done += part.length;
  }
}

function noFiles(name: string): Source {
  const missing = (path: string) => new EngineError("model-missing", `${name} is only a shape; it has no ${path}.`);
  return {
    name,
    has: async () => false,
    size: async (path) => {
      throw missing(path);
    },
    read: async (path) => {
      throw missing(path);
    },
  };
}
