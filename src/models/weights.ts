// From a checkpoint's tensors to buffers on the GPU, a few megabytes at a time: as they are for full precision, rotated and quantised for
// W8A8 and W4A8, or straight through where a package holds them quantised.
import type { Memory } from "../gpu/buffers";
import type { FloatMatrix, FloatType, Int8Matrix, Matrix } from "../kernels/tensors";
import { EngineError } from "../protocol/errors";
import { widen } from "../quantize/floats";
import { quantizeRowInt4 } from "../quantize/int4";
import { type Int8Rows, paddedWidth, quantizeRow, rotateQuantize } from "../quantize/int8";
import type { Checkpoint, TensorInfo } from "../weights/source";

const PIECE_BYTES = 4 * 1024 * 1024;

export type WeightPrecision = "full" | "w8a8" | "w4a8";

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
  #unsettled = 0; // bytes written since the queue was last waited for

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
    const outputs = spec.outputs.reduce((a, b) => a + b, 0);
    return this.#precision === "full" ? this.#floatMatrix(spec, outputs) : this.#int8Matrix(spec, outputs);
  }

  /** A tensor of `length` values as f32, whatever it is stored as. */
  async vector(name: string, length: number): Promise<GPUBuffer> {
    return this.#memory.upload(name, "weights", await this.floats(name, length));
  }

  /** Several vectors one behind the other. */
  async vectors(names: readonly string[], lengths: readonly number[]): Promise<GPUBuffer> {
    const parts = await Promise.all(names.map((name, i) => this.floats(name, lengths[i] ?? 0)));
    return this.#memory.upload(names.join(" "), "weights", Float32Array.from(parts.flatMap((part) => [...part])));
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

  async #floatMatrix({ names, outputs, inputs }: LinearSpec, total: number): Promise<FloatMatrix> {
    const infos = names.map((name, i) => this.#shaped(`${name}.weight`, outputs[i] ?? 0, inputs));
    const types = new Set(infos.map(floatType));
    const [only = "F32"] = types;
    const type = types.size === 1 ? only : "F32"; // mixed types meet in the widest
    const rowBytes = inputs * (type === "F32" ? 4 : 2);
    const weight = this.#memory.storage(names.join(" "), "weights", total * rowBytes);
    let row = 0;
    for (const info of infos) {
      await this.#pieces(info, async (bytes, rows) => {
        const data = floatType(info) === type ? bytes : widen(bytes, floatType(info));
        await this.#write(weight, row * rowBytes, data);
        row += rows;
      });
    }
    return { kind: "float", type, inputs, outputs: total, weight };
  }

  async #int8Matrix({ names, outputs, inputs, table = false }: LinearSpec, total: number): Promise<Int8Matrix> {
    const stride = paddedWidth(inputs);
    const codes = this.#memory.storage(names.join(" "), "weights", total * stride);
    const scales = new Float32Array(total);
    const quantize = this.#precision === "w4a8" && !table ? quantizeRowInt4 : quantizeRow;
    let row = 0;
    for (const [i, name] of names.entries()) {
      await this.#int8Pieces(name, outputs[i] ?? 0, inputs, quantize, async (rows) => {
        await this.#write(codes, row * stride, rows.codes);
        scales.set(rows.scales, row);
        row += rows.scales.length;
      });
    }
    return { kind: "int8", inputs, outputs: total, codes, scales: this.#memory.upload(`${names.join(" ")} scales`, "weights", scales) };
  }

  /** The rows of one linear as rotated codes, quantised here or already in the package. */
  async #int8Pieces(
    name: string,
    outputs: number,
    inputs: number,
    quantize: typeof quantizeRow,
    use: (rows: Int8Rows) => Promise<void>,
  ): Promise<void> {
    if (this.#tensor(`${name}.weight`).dtype !== "I8") {
      const info = this.#shaped(`${name}.weight`, outputs, inputs);
      await this.#pieces(info, (bytes) => use(rotateQuantize(widen(bytes, floatType(info)), inputs, quantize)));
      return;
    }
    const info = this.#shaped(`${name}.weight`, outputs, paddedWidth(inputs));
    const scales = await this.floats(`${name}.weight_scale`, outputs);
    let row = 0;
    await this.#pieces(info, async (bytes, rows) => {
      await use({ codes: new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length), scales: scales.slice(row, row + rows) });
      row += rows;
    });
  }

  async #pieces(info: TensorInfo, use: (bytes: Uint8Array<ArrayBuffer>, rows: number) => Promise<void>): Promise<void> {
    const rows = info.shape[0] ?? 0;
    const rowBytes = (info.end - info.begin) / rows;
    const step = Math.max(1, Math.floor(PIECE_BYTES / rowBytes));
    for (let from = 0; from < rows; from += step) {
      const to = Math.min(rows, from + step);
      const bytes = await this.#checkpoint.tensor(info.name, from, to);
      await use(bytes, to - from);
      this.#onBytes(bytes.byteLength);
    }
  }

  #shaped(name: string, rows: number, columns: number): TensorInfo {
    const info = this.#tensor(name);
    if (info.shape[0] !== rows || info.shape.slice(1).reduce((a, b) => a * b, 1) !== columns)
      throw wrongShape(info, `[${rows}, ${columns}]`);
    return info;
  }

  // The browser keeps a copy of what is written until the GPU has taken it, so a large model must let it catch up now and then.
  async #write(buffer: GPUBuffer, offset: number, data: ArrayBufferView<ArrayBuffer>): Promise<void> {
    this.#memory.write(buffer, offset, data);
    this.#unsettled += data.byteLength;
    if (this.#unsettled < 16 * PIECE_BYTES) return;
    this.#unsettled = 0;
    await this.#settle();
  }
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
