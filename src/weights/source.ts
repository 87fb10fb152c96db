// Where a model's files come from: a folder on disk, files that the user picked, the app's own origin, or IndexedDB. All look alike from
// here.
import { EngineError } from "../protocol/errors";

/** Read-only access to the files of one model; paths are relative, with forward slashes. */
export interface Source {
  /** For messages: a folder's path, a URL, or the name of a stored model. */
  readonly name: string;
  has(path: string): Promise<boolean>;
  /** Bytes in the file. Throws EngineError "model-missing" if it is not there. */
  size(path: string): Promise<number>;
  /** Bytes [start, end) of the file. Throws "model-missing", or "model-damaged" if the file is shorter or fails its checksum. */
  read(path: string, start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** Element types of a checkpoint, in safetensors' spelling. */
export type Dtype = "F32" | "F16" | "BF16" | "I8" | "U8" | "I32" | "U32" | "I64";

export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly file: string;
  readonly begin: number; // bytes from the start of the file
  readonly end: number;
}

/** A model as its files describe it: parsed JSON and the tensors' places; no weights are read until asked for. */
export interface Checkpoint {
  readonly source: Source;
  readonly config: Record<string, unknown>; // config.json
  readonly generationConfig: Record<string, unknown>; // generation_config.json, or empty
  /** Set in a Gyre package: how its linears are stored. A Hugging Face folder has null. */
  readonly packed: PackageInfo | null;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly bytes: number; // of all tensors
  /** The tensor's bytes as stored, or rows [from, to) of its first dimension. Throws "model-missing" with the tensor's name. */
  tensor(name: string, from?: number, to?: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** How a package's quantised linears were rotated before their codes were taken; see quantize/. */
export interface RotationInfo {
  readonly signs: "fmix32"; // which sequence of random signs, see quantize/signs.ts
  readonly maxBlock: number; // the widest Hadamard block, a power of two
}

/** What gyre.json says of a package. */
export interface PackageInfo {
  readonly name: string;
  readonly family: string; // config.json's model_type
  readonly precision: "full" | "w8a8" | "w4a8";
  readonly parameters: number;
  readonly rotation: RotationInfo | null; // null: nothing is rotated
}

const MAX_JSON = 128 * 1024 * 1024; // bytes; the largest known tokenizer.json has 33 MB

/** The file's text. Throws "model-missing", or "model-damaged" if it is not UTF-8 or absurdly large. */
export async function readText(source: Source, path: string): Promise<string> {
  const size = await source.size(path);
  if (size > MAX_JSON)
    throw new EngineError("model-damaged", `${path} is damaged: ${size} bytes are too many for such a file.`, source.name);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await source.read(path, 0, size));
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw new EngineError("model-damaged", `${path} is damaged: it is not UTF-8 text.`, source.name);
  }
}

/** The file's JSON object. Throws "model-missing" or "model-damaged". */
export async function readJson(source: Source, path: string): Promise<Record<string, unknown>> {
  const text = await readText(source, path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new EngineError("model-damaged", `${path} is damaged: it is not JSON.`, String(error));
  }
  if (!isRecord(json)) throw new EngineError("model-damaged", `${path} is damaged: it is not a JSON object.`, source.name);
  return json;
}

/** The file's JSON object, or null where there is no such file. */
export async function readJsonIfPresent(source: Source, path: string): Promise<Record<string, unknown> | null> {
  return (await source.has(path)) ? readJson(source, path) : null;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
