// From a checkpoint's tensors to buffers on the GPU, a few megabytes at a time: as they are for full precision, rotated and quantised for
// W8A8 and W4A8, or straight through where a package holds them quantised.
import type { Memory } from "../gpu/buffers";
import type { FloatMatrix, FloatType, Int4Matrix, Int8Matrix, Matrix } from "../kernels/tensors";
import { EngineError } from "../protocol/errors";
import { widen } from "../quantize/floats";
import { type Int4Rows, int4CodeBytes, int4GroupBytes, rotateQuantizeInt4 } from "../quantize/int4";
import { type Int8Rows, paddedWidth, rotateQuantize } from "../quantize/int8";
import type { Checkpoint, PackageInfo, TensorInfo } from "../weights/source";

const PIECE_BYTES = 4 * 1024 * 1024;
const WINDOW_BYTES = 2 * PIECE_BYTES; // written while the window before is still being taken, so that the GPU need not stop

export type WeightPrecision = PackageInfo["precision"];

/** A matrix of a model's file: its tensor, or several that share an input and are laid one below the other. */
export interface LinearSpec {
  readonly names: readonly string[]; // without ".weight"
  readonly outputs: readonly number[]; // of each
  readonly inputs: number;
  readonly table?: boolean; // embedding or head, which stay INT8 in W4A8
}

export class WeightLoader {
  readonly #checkpoint: Checkpoint;
  readonly #memory: Memory;
  readonly #precision: WeightPrecision;
  readonly #settle: () => Promise<void>;
  readonly #onBytes: (bytes: number) => void;
  #written = 0; // bytes, in this window
  #before: Promise<void> = Promise.resolve(); // until the GPU has taken the window before

  /** `settle` waits until the GPU has taken what was written; `onBytes` hears of bytes read from the checkpoint. */
  constructor(
    checkpoint: Checkpoint,
    memory: Memory,
    precision: WeightPrecision,
    settle: () => Promise<void>,
    onBytes: (bytes: number) => void,
  ) {
    this.#checkpoint = checkpoint;
    this.#memory = memory;
    this.#precision = precision;
    this.#settle = settle;
    this.#onBytes = onBytes;
  }

  /** Throws "model-missing" or "model-damaged" with the tensor's name. */
  async matrix(spec: LinearSpec): Promise<Matrix> {
    return this.#load(spec, 0, rowsOf(spec));
  }

  /** A vocabulary's matrix, from its first row on: cut into parts of about equal size where it is larger than a binding may be. */
  async table(spec: LinearSpec): Promise<readonly Matrix[]> {
    const rows = rowsOf(spec);
    const { inputs } = spec;
    const rowBytes = this.#precision === "full" ? inputs * bytesOf(this.#floatType(spec)) : paddedWidth(inputs);
    const most = Math.max(1, Math.floor(this.#memory.largestStorage / rowBytes)); // where even one row is too large, memory will say so
    const step = Math.ceil(rows / Math.ceil(rows / most));
    const parts: Matrix[] = [];
    for (let from = 0; from < rows; from += step) parts.push(await this.#load(spec, from, Math.min(rows, from + step)));
    return parts;
  }

  /** A tensor of `length` values as f32, whatever it is stored as. */
  async vector(name: string, length: number): Promise<GPUBuffer> {
    return this.#upload(name, await this.floats(name, length));
  }

  /** Several vectors one behind the other. */
  async vectors(names: readonly string[], lengths: readonly number[]): Promise<GPUBuffer> {
    const parts = await Promise.all(names.map((name, i) => this.floats(name, lengths[i] ?? 0)));
    return this.#upload(names.join(" "), Float32Array.from(parts.flatMap((part) => [...part])));
  }

  async floats(name: string, length: number): Promise<Float32Array<ArrayBuffer>> {
    const info = this.#tensor(name);
    const elements = info.shape.reduce((a, b) => a * b, 1);
    if (elements !== length) throw wrongShape(info, `${length} values`);
    const bytes = await this.#checkpoint.tensor(name);
    this.#onBytes(bytes.byteLength);
    return widen(bytes, floatType(info));
  }

  #tensor(name: string): TensorInfo {
    const info = this.#checkpoint.tensors.get(name);
    if (!info) throw new EngineError("model-missing", `The model has no tensor ${name}.`, this.#checkpoint.source.name);
    return info;
  }

  /** Rows [from, to) of a matrix. */
  #load(spec: LinearSpec, from: number, to: number): Promise<Matrix> {
    if (this.#precision === "full") return this.#floatMatrix(spec, from, to);
    return this.#precision === "w4a8" && !spec.table ? this.#int4Matrix(spec, from, to) : this.#int8Matrix(spec, from, to);
  }

  /** The type of a matrix in full precision; where tensors differ they meet in the widest. */
  #floatType({ names }: LinearSpec): FloatType {
    const [only = "F32", ...others] = new Set(names.map((name) => floatType(this.#tensor(`${name}.weight`))));
    return others.length === 0 ? only : "F32";
  }

  async #floatMatrix(spec: LinearSpec, from: number, to: number): Promise<FloatMatrix> {
    const { inputs } = spec;
    const type = this.#floatType(spec);
    const rowBytes = inputs * bytesOf(type);
    const weight = this.#memory.storage(labelOf(spec), "weights", (to - from) * rowBytes);
    for (const { name, rows, begin, end, at } of spans(spec, from, to)) {
      const info = this.#shaped(`${name}.weight`, rows, inputs);
      await this.#pieces(info, begin, end, async (bytes, row) => {
        const data = floatType(info) === type ? bytes : widen(bytes, floatType(info));
        await this.#write(weight, (at + row - begin) * rowBytes, data);
      });
    }
    return { kind: "float", type, inputs, outputs: to - from, weight };
  }

  /** Rotated and quantised here, or straight from a package. */
  async #int8Matrix(spec: LinearSpec, from: number, to: number): Promise<Int8Matrix> {
    const { inputs } = spec;
    const stride = paddedWidth(inputs);
    const outputs = to - from;
    const codes = this.#memory.storage(labelOf(spec), "weights", outputs * stride);
    const scales = new Float32Array(outputs);
    for (const { name, rows, begin, end, at } of spans(spec, from, to)) {
      const packed = this.#tensor(`${name}.weight`).dtype === "I8";
      const info = this.#shaped(`${name}.weight`, rows, packed ? stride : inputs);
      if (packed) scales.set(await this.#scales(name, rows, begin, end), at);
      await this.#pieces(info, begin, end, async (bytes, row) => {
        const first = at + row - begin;
        if (packed) return this.#write(codes, first * stride, bytes);
        const made: Int8Rows = rotateQuantize(widen(bytes, floatType(info)), inputs);
        scales.set(made.scales, first);
        return this.#write(codes, first * stride, made.codes);
      });
    }
    return { kind: "int8", inputs, outputs, codes, scales: await this.#upload(`${labelOf(spec)} scales`, scales) };
  }

  /** The same in INT4. */
  async #int4Matrix(spec: LinearSpec, from: number, to: number): Promise<Int4Matrix> {
    const { inputs } = spec;
    const [codeBytes, groupBytes] = [int4CodeBytes(inputs), int4GroupBytes(inputs)];
    const outputs = to - from;
    const codes = this.#memory.storage(labelOf(spec), "weights", outputs * codeBytes);
    const groups = this.#memory.storage(`${labelOf(spec)} groups`, "weights", outputs * groupBytes);
    const scales = new Float32Array(outputs);
    for (const { name, rows, begin, end, at } of spans(spec, from, to)) {
      const packed = this.#tensor(`${name}.weight`).dtype === "U8";
      const info = this.#shaped(`${name}.weight`, rows, packed ? codeBytes : inputs);
      if (packed) {
        scales.set(await this.#scales(name, rows, begin, end), at);
        const groupInfo = this.#shaped(`${name}.weight_groups`, rows, groupBytes);
        await this.#pieces(groupInfo, begin, end, (bytes, row) => this.#write(groups, (at + row - begin) * groupBytes, bytes));
      }
      await this.#pieces(info, begin, end, async (bytes, row) => {
        const first = at + row - begin;
        if (packed) return this.#write(codes, first * codeBytes, bytes);
        const made: Int4Rows = rotateQuantizeInt4(widen(bytes, floatType(info)), inputs);
        scales.set(made.scales, first);
        await this.#write(groups, first * groupBytes, made.groups);
        return this.#write(codes, first * codeBytes, made.codes);
      });
    }
    return { kind: "int4", inputs, outputs, codes, groups, scales: await this.#upload(`${labelOf(spec)} scales`, scales) };
  }

  /** The scales of a package's rows [begin, end). */
  async #scales(name: string, rows: number, begin: number, end: number): Promise<Float32Array<ArrayBuffer>> {
    const info = this.#shaped(`${name}.weight_scale`, rows, 1);
    const bytes = await this.#checkpoint.tensor(info.name, begin, end);
    this.#onBytes(bytes.byteLength);
    return widen(bytes, floatType(info));
  }

  /** Rows [begin, end) of a tensor, a few megabytes at a time; `use` hears which row is the first of each. */
  async #pieces(
    info: TensorInfo,
    begin: number,
    end: number,
    use: (bytes: Uint8Array<ArrayBuffer>, row: number) => Promise<void>,
  ): Promise<void> {
    const rowBytes = (info.end - info.begin) / (info.shape[0] ?? 1);
    const step = Math.max(1, Math.floor(PIECE_BYTES / rowBytes));
    for (let row = begin; row < end; row += step) {
      const bytes = await this.#checkpoint.tensor(info.name, row, Math.min(end, row + step));
      await use(bytes, row);
      this.#onBytes(bytes.byteLength);
    }
  }

  #shaped(name: string, rows: number, columns: number): TensorInfo {
    const info = this.#tensor(name);
    if (info.shape[0] !== rows || info.shape.slice(1).reduce((a, b) => a * b, 1) !== columns)
      throw wrongShape(info, `[${rows}, ${columns}]`);
    return info;
  }

  /** A buffer that holds `data`. */
  async #upload(label: string, data: Float32Array<ArrayBuffer>): Promise<GPUBuffer> {
    const buffer = this.#memory.storage(label, "weights", data.byteLength);
    await this.#write(buffer, 0, data);
    return buffer;
  }

  // The browser keeps a copy of what is written until the GPU has taken it: of two windows at most.
  async #write(buffer: GPUBuffer, offset: number, data: ArrayBufferView<ArrayBuffer>): Promise<void> {
    if (this.#written + data.byteLength > WINDOW_BYTES) {
      const before = this.#before;
      this.#before = this.#settle();
      this.#before.catch(() => {}); // heard where it is awaited; until then it must not go unhandled
      this.#written = 0;
      await before;
    }
    this.#written += data.byteLength;
    this.#memory.write(buffer, offset, data);
  }
}

/** Rows [begin, end) of one of a matrix's tensors, which has `rows`, and the matrix's row `at` which they begin. */
interface Span {
  readonly name: string;
  readonly rows: number;
  readonly begin: number;
  readonly end: number;
  readonly at: number; // counted from the first one asked for
}

/** What rows [from, to) of a matrix are in its tensors. */
function spans({ names, outputs }: LinearSpec, from: number, to: number): readonly Span[] {
  let first = 0;
  return names.flatMap((name, i) => {
    const rows = outputs[i] ?? 0;
    const begin = Math.max(0, from - first);
    const end = Math.min(rows, to - first);
    const at = first + begin - from;
    first += rows;
    return begin < end ? [{ name, rows, begin, end, at }] : [];
  });
}

function rowsOf({ outputs }: LinearSpec): number {
  return outputs.reduce((a, b) => a + b, 0);
}

function labelOf({ names }: LinearSpec): string {
  return names.join(" ");
}

function bytesOf(type: FloatType): number {
  return type === "F32" ? 4 : 2;
}

function floatType(info: TensorInfo): FloatType {
  const { dtype } = info;
  if (dtype === "F32" || dtype === "F16" || dtype === "BF16") return dtype;
  throw new EngineError("model-unsupported", `The tensor ${info.name} holds ${dtype}, where this precision needs floats.`, info.file);
}

function wrongShape(info: TensorInfo, expected: string): EngineError {
  return new EngineError(
    "model-damaged",
    `The tensor ${info.name} in ${info.file} has the shape [${info.shape.join(", ")}], but config.json asks for ${expected}.`,
  );
}
