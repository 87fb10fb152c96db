// A Gyre package: a folder whose linears are already rotated and quantised, and gyre.json, which says how and lists every file with the
// hashes of its chunks. In model.safetensors each quantised linear `X.weight` is I8 [N, K, zero-padded to a multiple of 16] beside
// `X.weight_scale` F32 [N]; in W4A8 all but the embedding table and the head are U8, two codes a byte, with U8 `X.weight_groups` too, packed as
// quantize/int4.ts says.
import { EngineError } from "../protocol/errors";
import { SIGNS } from "../quantize/signs";
import { isCount, isSafePath } from "./checks";
import { isRecord, type PackageInfo, type RotationInfo } from "./source";

export const MANIFEST_PATH = "gyre.json";
export const CHUNK_BYTES = 4 * 1024 * 1024;

const MAX_CHUNK_BYTES = 64 * 1024 * 1024; // a chunk is held in memory whole
const MAX_FILES = 1000;

export interface PackageFile {
  readonly path: string;
  readonly bytes: number;
  readonly chunks: readonly string[]; // SHA-256 of each chunk, lower-case hexadecimal
}

export interface Manifest extends PackageInfo {
  readonly format: "gyre";
  readonly version: 1 | 2; // 2: W4A8, which a Gyre that reads only 1 cannot compute
  readonly chunkBytes: number; // of every chunk but a file's last
  readonly files: readonly PackageFile[]; // all but gyre.json itself
}

/** The oldest version that can say it, so that every Gyre reads what it can. */
export function versionOf({ precision }: PackageInfo): Manifest["version"] {
  return precision === "w4a8" ? 2 : 1;
}

/** Bytes of all files but gyre.json. */
export function packageBytes(manifest: Manifest): number {
  return manifest.files.reduce((sum, file) => sum + file.bytes, 0);
}

/** Bytes [start, end) of a file's chunk. */
export function chunkSpan(manifest: Manifest, file: PackageFile, index: number): { readonly start: number; readonly end: number } {
  const start = index * manifest.chunkBytes;
  return { start, end: Math.min(start + manifest.chunkBytes, file.bytes) };
}

export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Checks parsed JSON against the manifest's form, field by field. Throws "model-damaged", or "model-unsupported" for a later version. */
export function parseManifest(json: unknown): Manifest {
  if (!isRecord(json)) throw damaged("it is not a JSON object");
  const { format, version, name, family, precision, parameters, rotation, chunkBytes, files } = json;
  if (format !== "gyre") throw damaged('its format is not "gyre"');
  if (version !== 1 && version !== 2)
    throw new EngineError("model-unsupported", `This package has version ${String(version)}, and only versions 1 and 2 are known here.`);
  if (typeof name !== "string" || name === "") throw damaged("it has no name");
  if (typeof family !== "string" || family === "") throw damaged("it has no family");
  if (precision !== "full" && precision !== "w8a8" && !(precision === "w4a8" && version === 2))
    throw damaged("its precision is none that its version has");
  if (!isCount(parameters)) throw damaged("its number of parameters is not a whole number");
  if (!isCount(chunkBytes) || chunkBytes === 0 || chunkBytes > MAX_CHUNK_BYTES) throw damaged("its chunkBytes is out of range");
  if (!Array.isArray(files) || files.length > MAX_FILES) throw damaged("it has no list of files");
  const checked = files.map((file) => parseFile(file, chunkBytes));
  if (new Set(checked.map((file) => file.path)).size !== checked.length) throw damaged("it lists a file twice");
  return { format, version, name, family, precision, parameters, rotation: parseRotation(rotation), chunkBytes, files: checked };
}

function parseFile(file: unknown, chunkBytes: number): PackageFile {
  if (!isRecord(file)) throw damaged("an entry of its files is not an object");
  const { path, bytes, chunks } = file;
  if (!isSafePath(path) || path === MANIFEST_PATH) throw damaged(`it lists a file with the path ${JSON.stringify(path)}`);
  if (!isCount(bytes)) throw damaged(`${path} has no size`);
  if (!Array.isArray(chunks) || !chunks.every(isHash)) throw damaged(`${path} has no list of hashes`);
  if (chunks.length !== Math.ceil(bytes / chunkBytes)) throw damaged(`${path} has ${bytes} bytes but ${chunks.length} hashes`);
  return { path, bytes, chunks };
}

function parseRotation(rotation: unknown): RotationInfo | null {
  if (rotation === null) return null;
  if (!isRecord(rotation)) throw damaged("its rotation is not an object");
  const { signs, maxBlock } = rotation;
  if (signs !== SIGNS) throw damaged("its rotation has unknown signs");
  if (!isCount(maxBlock) || maxBlock === 0 || maxBlock > 2 ** 20 || (maxBlock & (maxBlock - 1)) !== 0)
    throw damaged("its maxBlock is not a power of two");
  return { signs, maxBlock };
}

function isHash(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}

function damaged(reason: string): EngineError {
  return new EngineError("model-damaged", `${MANIFEST_PATH} is damaged: ${reason}.`);
}
