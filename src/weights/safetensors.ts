// The safetensors container: eight bytes of length, a JSON header, then the tensors' bytes. A header is never trusted: a file may be cut
// short, or made to hurt, and must then give an error that names it rather than a wrong tensor. Format:
// https://github.com/huggingface/safetensors
import { EngineError } from "../protocol/errors";
import { isCount } from "./checks";
import { type Dtype, isRecord, type Source, type TensorInfo } from "./source";

const PREFIX = 8; // bytes of the header's length
const MAX_HEADER = 100_000_000; // bytes; the limit of the reference implementation

/** Bytes of one element of each type that can be read. */
const DTYPE_BYTES: Readonly<Record<Dtype, number>> = { F32: 4, F16: 2, BF16: 2, I8: 1, U8: 1, I32: 4, U32: 4, I64: 8 };

/** Types that the format has and this engine does not read; their sizes are still checked. */
const OTHER_DTYPE_BYTES: Readonly<Record<string, number>> = { F64: 8, U64: 8, I16: 2, U16: 2, BOOL: 1, F8_E4M3: 1, F8_E5M2: 1 };

export interface TensorSpec {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly unsupported: ReadonlyMap<string, string>; // tensor name -> its element type, for those that cannot be read
}

export function tensorBytes(spec: Pick<TensorSpec, "dtype" | "shape">): number {
  return spec.shape.reduce((product, size) => product * size, DTYPE_BYTES[spec.dtype]);
}

/** Reads and checks the header of one file. Throws "model-missing" or "model-damaged". */
export async function readHeader(source: Source, file: string): Promise<SafetensorsHeader> {
  const size = await source.size(file);
  if (size < PREFIX) throw damaged(file, `it has ${size} bytes, too few for a header`);
  const prefix = await source.read(file, 0, PREFIX);
  const length = headerLength(prefix, size, file);
  return parseHeader(await source.read(file, PREFIX, PREFIX + length), size, file);
}

/** The header's length in bytes from the first eight bytes of a file of `fileSize` bytes. */
function headerLength(prefix: Uint8Array<ArrayBuffer>, fileSize: number, file: string): number {
  const length = new DataView(prefix.buffer, prefix.byteOffset, PREFIX).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER)) throw damaged(file, `its header would be ${length} bytes long`);
  if (BigInt(PREFIX) + length > BigInt(fileSize)) throw damaged(file, `its header of ${length} bytes does not fit its ${fileSize} bytes`);
  return Number(length);
}

/** Checks `header`, the JSON after the length, against a file of `fileSize` bytes. */
function parseHeader(header: Uint8Array<ArrayBuffer>, fileSize: number, file: string): SafetensorsHeader {
  const json = parseJson(header, file);
  if (!isRecord(json)) throw damaged(file, "its header is not a JSON object");
  const dataStart = PREFIX + header.byteLength;
  const tensors = new Map<string, TensorInfo>();
  const unsupported = new Map<string, string>();
  const spans: { name: string; begin: number; end: number }[] = [];
  for (const [name, entry] of Object.entries(json)) {
    if (name === "__metadata__") continue;
    const { dtype, shape, begin, end } = readEntry(name, entry, file);
    if (dataStart + end > fileSize) throw damaged(file, `tensor ${name} ends at byte ${dataStart + end} of ${fileSize}`);
    const elementBytes = isDtype(dtype) ? DTYPE_BYTES[dtype] : OTHER_DTYPE_BYTES[dtype];
    if (elementBytes !== undefined) checkLength(name, shape, elementBytes, end - begin, file);
    spans.push({ name, begin, end });
    if (isDtype(dtype)) tensors.set(name, { name, dtype, shape, file, begin: dataStart + begin, end: dataStart + end });
    else unsupported.set(name, dtype);
  }
  checkCover(spans, fileSize - dataStart, file);
  return { tensors, unsupported };
}

/**
 * The first bytes of a file that holds `specs` in this order: length and JSON, padded with spaces so that the data starts at a multiple of
 * eight. The tensors' places are returned too, so that a writer can stream the data after it.
 */
export function encodeHeader(
  specs: readonly TensorSpec[],
  file: string,
): { header: Uint8Array<ArrayBuffer>; tensors: readonly TensorInfo[]; fileBytes: number } {
  const entries: [string, unknown][] = [["__metadata__", { format: "pt" }]];
  let offset = 0;
  const spans = specs.map((spec) => {
    const begin = offset;
    offset += tensorBytes(spec);
    entries.push([spec.name, { dtype: spec.dtype, shape: spec.shape, data_offsets: [begin, offset] }]);
    return { begin, end: offset };
  });
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const length = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(PREFIX + length).fill(0x20, PREFIX);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, PREFIX);
  const tensors = specs.map((spec, i) => {
    const span = spans[i] ?? { begin: 0, end: 0 };
    return { ...spec, file, begin: header.length + span.begin, end: header.length + span.end };
  });
  return { header, tensors, fileBytes: header.length + offset };
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number; // bytes from the start of the data
  readonly end: number;
}

function readEntry(name: string, entry: unknown, file: string): Entry {
  if (!isRecord(entry)) throw damaged(file, `the entry of tensor ${name} is not an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== "string") throw damaged(file, `tensor ${name} has no element type`);
  if (!Array.isArray(shape) || !shape.every(isCount)) throw damaged(file, `tensor ${name} has a shape that is not a list of whole numbers`);
  if (!Array.isArray(offsets) || offsets.length !== 2) throw damaged(file, `tensor ${name} has no pair of offsets`);
  const [begin, end] = offsets as readonly unknown[];
  if (!isCount(begin) || !isCount(end) || end < begin) throw damaged(file, `tensor ${name} has offsets that make no range`);
  return { dtype, shape, begin, end };
}

function checkLength(name: string, shape: readonly number[], elementBytes: number, actual: number, file: string): void {
  // The product is taken in BigInt: a made-up shape can overflow a double and still look plausible.
  const expected = shape.reduce((product, size) => product * BigInt(size), BigInt(elementBytes));
  if (expected !== BigInt(actual))
    throw damaged(file, `tensor ${name} of shape [${shape.join(", ")}] takes ${expected} bytes and has ${actual}`);
}

/**
 * The tensors must lie end to end and fill the file, as the reference implementation demands: overlaps, holes and leftovers are signs of
 * damage.
 */
function checkCover(spans: { name: string; begin: number; end: number }[], dataBytes: number, file: string): void {
  spans.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let expected = 0;
  for (const span of spans) {
    if (span.begin < expected) throw damaged(file, `tensor ${span.name} overlaps the one before it`);
    if (span.begin > expected) throw damaged(file, `${span.begin - expected} bytes before tensor ${span.name} belong to none`);
    expected = span.end;
  }
  if (expected !== dataBytes) throw damaged(file, `its tensors take ${expected} bytes and it holds ${dataBytes}`);
}

function parseJson(bytes: Uint8Array<ArrayBuffer>, file: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw damaged(file, "its header is not JSON", String(error));
  }
}

function damaged(file: string, reason: string, detail = ""): EngineError {
  return new EngineError("model-damaged", `${file} is damaged: ${reason}.`, detail);
}

function isDtype(value: string): value is Dtype {
  return Object.hasOwn(DTYPE_BYTES, value);
}
