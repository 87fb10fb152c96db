// What tests of rope_append and attention share: the buffers of one layer's attention, and reading back what its cache holds.

import type { Step } from "../../src/gpu/plan";
import { attention, partialsBytes } from "../../src/kernels/attention";
import { attentionMerge } from "../../src/kernels/attention_merge";
import type { DeviceTraits } from "../../src/kernels/policy";
import type { RopeAppend } from "../../src/kernels/rope_append";
import { type CacheType, cacheEntryBytes, type KvCache, type Queries, queryBytes } from "../../src/kernels/tensors";
import { ropeAngles } from "../../src/models/rope";
import { widen } from "../../src/quantize/floats";
import { hadamard, hadamardBlock } from "../../src/quantize/hadamard";
import { type Lab, randomFloats } from "../setup/gpu";

export interface LayerShape {
  readonly type: CacheType;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly rotaryDim: number;
  readonly norm: boolean;
  readonly context: number;
  readonly window?: number;
}

export const EPSILON = 1e-5;

/** Radians that each pair turns a position: [rotaryDim / 2]. */
function frequenciesOf(rotaryDim: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: rotaryDim / 2 }, (_, pair) => 10_000 ** ((-2 * pair) / rotaryDim));
}

export class AttentionLayer {
  readonly shape: LayerShape;
  readonly cache: KvCache;
  readonly queries: Queries;
  readonly frequencies: Float32Array<ArrayBuffer>; // radians a position, [rotaryDim / 2]
  readonly norms: Float32Array<ArrayBuffer>; // [queries and keys, headDim]
  readonly #lab: Lab;
  readonly #angles: GPUBuffer;
  readonly #norms: GPUBuffer;

  constructor(lab: Lab, shape: LayerShape, rows: number) {
    const { type, heads, kvHeads, headDim, context } = shape;
    const slots = 2 * kvHeads * context;
    this.#lab = lab;
    this.shape = shape;
    this.cache = {
      type,
      kvHeads,
      headDim,
      context,
      entries: lab.output(slots * cacheEntryBytes(type, headDim)),
      scales: type === "int8" ? lab.output(slots * 4) : null,
    };
    this.queries = { heads, buffer: lab.output(rows * heads * queryBytes(type, headDim)) };
    this.frequencies = frequenciesOf(shape.rotaryDim);
    this.norms = randomFloats(2 * headDim, 41).map((x) => x + 1.5);
    this.#angles = lab.upload(ropeAngles({ frequencies: this.frequencies }, context));
    this.#norms = lab.upload(this.norms);
  }

  /** Floats of a row: its queries, keys and values. */
  get inputWidth(): number {
    return (this.shape.heads + 2 * this.shape.kvHeads) * this.shape.headDim;
  }

  /** What rope_append is to be called with for `input`, [rows, inputWidth]. */
  append(input: Float32Array<ArrayBuffer>): RopeAppend {
    return {
      batch: this.#lab.batch,
      input: { kind: "float", width: this.inputWidth, values: this.#lab.upload(input) },
      norms: this.#norms,
      epsilon: this.shape.norm ? EPSILON : null,
      angles: this.#angles,
      rotaryDim: this.shape.rotaryDim,
      queries: this.queries,
      cache: this.cache,
    };
  }

  /** Attention and merging into floats, rotated as the cache is; `rows` is the most of any pass. */
  attend(output: GPUBuffer, device: DeviceTraits, rows: number): Step[] {
    const { heads, headDim, window } = this.shape;
    const partials = this.#lab.output(partialsBytes(heads, this.cache, rows));
    const common = { batch: this.#lab.batch, cache: this.cache, partials, ...(window ? { window } : {}) };
    const rowsOut = { kind: "float", width: heads * headDim, values: output } as const;
    return [
      [attention("test", { ...common, queries: this.queries, scale: 1 / Math.sqrt(headDim) }, device)],
      [attentionMerge("test", { ...common, heads, output: rowsOut }, device)],
    ];
  }

  /** Floats that attention left rotated within the heads, turned back: [rows, heads * headDim]. */
  turnedBack(values: Float32Array): Float32Array<ArrayBuffer> {
    const output = values.slice();
    if (this.shape.type !== "int8") return output;
    const block = hadamardBlock(this.shape.headDim);
    hadamard(output, block);
    return output.map((x) => x / Math.sqrt(block));
  }

  /** Makes the cache from a position on what it was before anything was stored. */
  forget(position: number): void {
    const { type, kvHeads, headDim, context } = this.shape;
    const bytes = cacheEntryBytes(type, headDim);
    const pattern = new Uint8Array((context - position) * bytes).fill(0x5a);
    for (let head = 0; head < 2 * kvHeads; head++) {
      this.#lab.memory.write(this.cache.entries, (head * context + position) * bytes, pattern);
      if (this.cache.scales) {
        this.#lab.memory.write(this.cache.scales, (head * context + position) * 4, pattern.subarray(0, (context - position) * 4));
      }
    }
  }

  /** Every bit of the cache: entries, then scales. */
  async cacheBytes(): Promise<Buffer> {
    const { entries, scales } = this.cache;
    const buffers = scales ? [entries, scales] : [entries];
    const parts: Buffer[] = [];
    for (const buffer of buffers) parts.push(Buffer.from(await this.#lab.read(buffer)));
    return Buffer.concat(parts);
  }

  /** What the cache stands for, turned back where it is rotated: [keys and values, kvHeads, context, headDim]. */
  async cacheValues(): Promise<Float32Array<ArrayBuffer>> {
    const { type, kvHeads, headDim, context } = this.shape;
    const slots = 2 * kvHeads * context;
    const bytes = new Uint8Array(await this.#lab.read(this.cache.entries), 0, slots * cacheEntryBytes(type, headDim));
    if (type !== "int8" || !this.cache.scales) return widen(bytes, "F32");
    return unrotateHeads(new Int8Array(bytes.buffer, 0, bytes.length), await this.#lab.floats(this.cache.scales, slots), headDim);
  }

  /** The queries of the last pass, turned back where they are rotated: [rows, heads, headDim]. */
  async queryValues(rows: number): Promise<Float32Array<ArrayBuffer>> {
    const { type, heads, headDim } = this.shape;
    if (type !== "int8") return this.#lab.floats(this.queries.buffer, rows * heads * headDim);
    const { codes, scales } = await this.queryCodes(rows);
    return unrotateHeads(codes, scales, headDim);
  }

  /** INT8 queries of the last pass, codes [rows, heads, headDim] and scales [rows, heads] apart. */
  async queryCodes(rows: number): Promise<{ codes: Int8Array<ArrayBuffer>; scales: Float32Array<ArrayBuffer> }> {
    const { heads, headDim } = this.shape;
    const stride = queryBytes("int8", headDim);
    const stored = await this.#lab.read(this.queries.buffer);
    const codes = new Int8Array(rows * heads * headDim);
    const scales = new Float32Array(rows * heads);
    for (let head = 0; head < rows * heads; head++) {
      codes.set(new Int8Array(stored, head * stride, headDim), head * headDim);
      scales.set(new Float32Array(stored, head * stride + headDim, 1), head);
    }
    return { codes, scales };
  }
}

/** Codes of heads, rotated without signs, as the floats they stand for. */
function unrotateHeads(codes: Int8Array, scales: Float32Array, headDim: number): Float32Array<ArrayBuffer> {
  const values = Float32Array.from(codes);
  const block = hadamardBlock(headDim);
  hadamard(values, block);
  return values.map((x, i) => (x * (scales[Math.floor(i / headDim)] ?? Number.NaN)) / Math.sqrt(block));
}
