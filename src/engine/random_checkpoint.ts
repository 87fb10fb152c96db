// A model of a real shape with random weights, for measuring without its files. Its codes are made as they are asked for, a few
// megabytes at a time, so a model of any size needs no more memory than it takes on the GPU.
import { parseModel } from "../models/registry";
import { EngineError } from "../protocol/errors";
import { MAX_BLOCK } from "../quantize/hadamard";
import { int4CodeBytes, int4GroupBytes } from "../quantize/int4";
import { paddedWidth } from "../quantize/int8";
import { SIGNS } from "../quantize/signs";
import type { Checkpoint, Dtype, Source, TensorInfo } from "../weights/source";
import { randomCodes } from "./random";

/** What is known of a model besides its weights. */
export interface ModelShapeFile {
  readonly config: Readonly<Record<string, unknown>>; // config.json
  /** Tensors that no linear has: their shapes by name, where * is the number of any layer that has linears beside such a tensor. */
  readonly others: Readonly<Record<string, readonly number[]>>;
}

const BLOCK = 1 << 20; // random bytes that are repeated
const DEVIATIONS = { 8: 73, 4: 44 } as const; // of the codes, those of four bits times the scales of their groups

/** A quantised package that has no files. The same name gives the same weights. */
export function randomCheckpoint(name: string, { config, others }: ModelShapeFile, precision: "w8a8" | "w4a8" = "w8a8"): Checkpoint {
  const { linears } = parseModel(config);
  const tensors = new Map<string, TensorInfo>();
  const scales = new Map<string, number>(); // what each tensor of scales holds
  let parameters = 0;
  const add = (tensor: string, dtype: Dtype, shape: readonly number[]) => {
    const bytes = shape.reduce((a, b) => a * b, 1) * (dtype === "F32" ? 4 : 1);
    tensors.set(tensor, { name: tensor, dtype, shape, file: name, begin: 0, end: bytes });
  };
  for (const { names, outputs, inputs, table = false } of linears) {
    const bits = precision === "w4a8" && !table ? 4 : 8;
    for (const [i, linear] of names.entries()) {
      const rows = outputs[i] ?? 0;
      parameters += rows * inputs;
      add(`${linear}.weight`, bits === 4 ? "U8" : "I8", [rows, bits === 4 ? int4CodeBytes(inputs) : paddedWidth(inputs)]);
      if (bits === 4) add(`${linear}.weight_groups`, "U8", [rows, int4GroupBytes(inputs)]);
      add(`${linear}.weight_scale`, "F32", [rows]);
      // With this a row keeps the size of what it multiplies, as norms with weight 1 do.
      scales.set(`${linear}.weight_scale`, 1 / (DEVIATIONS[bits] * Math.sqrt(inputs)));
    }
  }
  const layers = Number(config["num_hidden_layers"]);
  const linearNames = linears.flatMap(({ names }) => names);
  for (const [pattern, shape] of Object.entries(others)) {
    for (let layer = 0; layer < (pattern.includes("*") ? layers : 1); layer++) {
      const tensor = pattern.replace("*", String(layer));
      const module = tensor.split(".").slice(0, -2).join("."); // "model.layers.0.conv" of "model.layers.0.conv.conv.weight"
      if (!linearNames.some((linear) => linear.startsWith(`${module}.`))) continue;
      parameters += shape.reduce((a, b) => a * b, 1);
      add(tensor, "F32", shape);
    }
  }

  const random = new Uint8Array(randomCodes(BLOCK, seedOf(name)).buffer);
  const halves = precision === "w4a8" ? random.map((byte) => (1 + ((byte & 15) % 15)) | ((1 + ((byte >> 4) % 15)) << 4)) : random; // codes of -7 to 7
  return {
    source: noFiles(name),
    config: { ...config },
    generationConfig: {},
    packed: {
      name,
      family: String(config["model_type"]),
      precision,
      parameters,
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
      if (info.dtype === "F32") new Float32Array(bytes.buffer).fill(scales.get(tensor) ?? 1);
      else fillFrom(info.dtype === "I8" ? random : halves, begin, bytes);
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
