import { parseModel } from "../models/registry";
import { EngineError } from "../protocol/errors";
import type { Precision } from "../protocol/messages";
import { widen } from "../quantize/floats";
import { MAX_BLOCK } from "../quantize/hadamard";
import { int4CodeBytes, int4GroupBytes, rotateQuantizeInt4 } from "../quantize/int4";
import { paddedWidth, rotateQuantize } from "../quantize/int8";
import { SIGNS } from "../quantize/signs";
import type { Manifest } from "../weights/package";
import { type PackageSink, PackageWriter } from "../weights/package_writer";
import type { TensorSpec } from "../weights/safetensors";
import type { Checkpoint, TensorInfo } from "../weights/source";

// What a model needs besides its weights, as far as it has it.
const SMALL_FILES = [
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
  "drafts.ngram",
  "README.md",
  "LICENSE",
];

// Rows are quantised a few megabytes at a time, so that a model of any size passes through.
const PIECE_BYTES = 4 * 1024 * 1024;

export interface ConvertOptions {
  readonly precision: Precision;
  readonly name: string; // for people
  readonly onProgress?: (done: number, total: number) => void; // bytes of the original read
  readonly signal?: AbortSignal;
}

/**
 * Writes a checkpoint as a Gyre package: for W8A8 and W4A8 every linear rotated and quantised, all else f32; for full precision every tensor as
 * it is.
 * A copy of a tied table and tensors that hold no floats are left out. Throws EngineError "model-…", and the signal's reason when aborted.
 */
export async function convertCheckpoint(checkpoint: Checkpoint, options: ConvertOptions, sink: PackageSink): Promise<Manifest> {
  const { precision, name, onProgress = () => {}, signal } = options;
  if (checkpoint.packed) throw new EngineError("bad-request", "This model is a Gyre package already.");
  const model = parseModel(checkpoint.config);
  const linears = new Map<string, Linear>(
    model.linears.flatMap(({ names, inputs, table = false }) =>
      names.map((linear): [string, Linear] => [`${linear}.weight`, { width: inputs, bits: precision === "w4a8" && !table ? 4 : 8 }]),
    ),
  );
  const tensors = [...checkpoint.tensors.values()].filter(
    ({ name: tensor, dtype }) =>
      (tensor !== "lm_head.weight" || linears.has(tensor)) && (dtype === "F32" || dtype === "F16" || dtype === "BF16"),
  );
  for (const linear of linears.keys()) {
    if (!checkpoint.tensors.has(linear)) {
      throw new EngineError("model-missing", `The model has no tensor ${linear}.`, checkpoint.source.name);
    }
  }

  const quantised = (tensor: TensorInfo) => (precision === "full" ? undefined : linears.get(tensor.name));
  const writer = new PackageWriter(sink, {
    name,
    family: String(checkpoint.config["model_type"]),
    precision,
    parameters: tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    rotation: precision === "full" ? null : { signs: SIGNS, maxBlock: MAX_BLOCK },
  });
  for (const path of SMALL_FILES) {
    const size = (await checkpoint.source.has(path)) ? await checkpoint.source.size(path) : 0;
    if (size > 0) await writer.file(path, await checkpoint.source.read(path, 0, size));
  }
  await writer.tensors(tensors.flatMap((tensor) => specsOf(tensor, precision, quantised(tensor))));

  let done = 0;
  for (const tensor of tensors) {
    const linear = quantised(tensor);
    const behind = new Map<string, Uint8Array<ArrayBuffer>[]>(); // a linear's scales come when its codes are complete
    for await (const bytes of pieces(checkpoint, tensor)) {
      signal?.throwIfAborted();
      if (linear) {
        const [codes, ...scales] = quantise(tensor, linear, floatsOf(bytes, tensor));
        await writer.append(tensor.name, codes.bytes);
        for (const part of scales) behind.set(part.name, [...(behind.get(part.name) ?? []), part.bytes]);
      } else {
        await writer.append(tensor.name, precision === "full" ? bytes : bytesOf(floatsOf(bytes, tensor)));
      }
      done += bytes.length;
      onProgress(done, checkpoint.bytes);
    }
    for (const [part, pieces] of behind) for (const bytes of pieces) await writer.append(part, bytes);
  }
  return writer.finish();
}

interface Linear {
  readonly width: number; // inputs
  readonly bits: 4 | 8;
}

/** What a tensor becomes: itself, itself as f32, or codes and scales. */
function specsOf(tensor: TensorInfo, precision: Precision, linear: Linear | undefined): TensorSpec[] {
  const { name, shape } = tensor;
  if (precision === "full") return [{ name, dtype: tensor.dtype, shape }];
  if (!linear) return [{ name, dtype: "F32", shape }];
  const { width, bits } = linear;
  const outputs = shape[0] ?? 0;
  if (shape.length !== 2 || shape[1] !== width) {
    throw new EngineError(
      "model-damaged",
      `The tensor ${name} in ${tensor.file} has the shape [${shape.join(", ")}], but config.json asks for rows of ${width}.`,
    );
  }
  const scale: TensorSpec = { name: `${name}_scale`, dtype: "F32", shape: [outputs] };
  if (bits === 8) return [{ name, dtype: "I8", shape: [outputs, paddedWidth(width)] }, scale];
  return [
    { name, dtype: "U8", shape: [outputs, int4CodeBytes(width)] },
    { name: `${name}_groups`, dtype: "U8", shape: [outputs, int4GroupBytes(width)] },
    scale,
  ];
}

interface Part {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The parts of some rows, as specsOf declares them. */
function quantise({ name }: TensorInfo, { width, bits }: Linear, values: Float32Array): readonly [codes: Part, ...scales: Part[]] {
  if (bits === 8) {
    const { codes, scales } = rotateQuantize(values, width);
    return [
      { name, bytes: bytesOf(codes) },
      { name: `${name}_scale`, bytes: bytesOf(scales) },
    ];
  }
  const { codes, groups, scales } = rotateQuantizeInt4(values, width);
  return [
    { name, bytes: codes },
    { name: `${name}_groups`, bytes: groups },
    { name: `${name}_scale`, bytes: bytesOf(scales) },
  ];
}

async function* pieces(checkpoint: Checkpoint, { name, shape, begin, end }: TensorInfo): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const rows = shape[0] ?? 1;
  const step = Math.max(1, Math.floor((PIECE_BYTES * rows) / Math.max(1, end - begin)));
  for (let from = 0; from < rows; from += step) yield checkpoint.tensor(name, from, Math.min(rows, from + step));
}

function floatsOf(bytes: Uint8Array<ArrayBuffer>, { name, dtype, file }: TensorInfo): Float32Array<ArrayBuffer> {
  if (dtype === "F32" || dtype === "F16" || dtype === "BF16") return widen(bytes, dtype);
  throw new EngineError("model-unsupported", `The tensor ${name} holds ${dtype}, which cannot be quantised.`, file);
}

function bytesOf(data: Int8Array<ArrayBuffer> | Float32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
