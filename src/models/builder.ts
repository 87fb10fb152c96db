// What a family's forward pass is written in: rows, activations and layers. The builder allocates each buffer once, turns every call into
// steps of the plan, and hides which precision is at work.
import type { Memory } from "../gpu/buffers";
import type { Step } from "../gpu/plan";
import { attention, NO_WINDOW, partialsBytes } from "../kernels/attention";
import { attentionMerge } from "../kernels/attention_merge";
import { MAX_TREE_ROWS } from "../kernels/batch";
import { embedFloat } from "../kernels/embed_float";
import { embedInt8 } from "../kernels/embed_int8";
import { gatedSilu } from "../kernels/gated_silu";
import { kvCommit } from "../kernels/kv_commit";
import { linearFloat } from "../kernels/linear_float";
import { linearInt8 } from "../kernels/linear_int8";
import { type DeviceTraits, foldsNorm } from "../kernels/policy";
import { rmsNorm } from "../kernels/rms_norm";
import { ropeAppend } from "../kernels/rope_append";
import { shortConv } from "../kernels/short_conv";
import {
  type CacheType,
  cacheEntryBytes,
  type FloatRows,
  type Int8Rows,
  type KvCache,
  type Matrix,
  queryBytes,
  type Rows,
} from "../kernels/tensors";
import { paddedWidth } from "../quantize/int8";
import { signBits } from "../quantize/signs";
import type { WeightPrecision } from "./weights";

export interface BuilderOptions {
  readonly memory: Memory;
  readonly device: DeviceTraits;
  readonly precision: WeightPrecision;
  readonly cacheType: CacheType;
  readonly maxRows: number; // of a pass
  readonly maxHeadRows: number; // of a pass's logits
  readonly context: number; // positions
  readonly live: number; // tokens from here on are never drawn
  readonly batch: GPUBuffer;
  readonly tokens: GPUBuffer; // u32 [maxRows]
}

/** A recurrent state: two slots, one read and one written by each pass. Each is history first, then a value for each row of a tree. */
export interface State {
  readonly buffer: GPUBuffer;
  readonly slotBytes: number;
  readonly entryBytes: number; // of one token's values
  readonly historyBytes: number; // all that is needed of the tokens before the next pass
}

export interface AttentionLayer {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly angles: GPUBuffer; // as of RopeAppend
  readonly rotaryDim: number;
  readonly norms: GPUBuffer | null; // f32 [queries and keys, headDim]
  readonly epsilon: number; // of those norms
  readonly window?: number; // keys that a query sees, its own included; default: all
}

export interface LinearOptions {
  readonly bias?: GPUBuffer | null; // f32 [outputs]
  readonly head?: boolean; // only the rows that want logits
  readonly first?: number; // the output's column that the matrix's first row makes; without it the two are equally wide
  readonly live?: number; // rows of the matrix that are wanted, from the first; default: all
}

export class Builder {
  readonly options: BuilderOptions;
  readonly steps: Step[] = [];
  readonly commits: Step[] = []; // to run before these where a tree's kept rows have to be moved
  readonly states: State[] = [];
  readonly #floats = new Map<string, FloatRows>();
  readonly #codes = new Map<string, Int8Rows>();
  readonly #shared = new Map<string, GPUBuffer>();

  constructor(options: BuilderOptions) {
    this.options = options;
  }

  /** Rows of f32 by name; the same name is the same buffer, so layers reuse it. */
  float(name: string, width: number, rows = this.options.maxRows): FloatRows {
    return once(this.#floats, `${name} ${width}`, () => ({
      kind: "float",
      width,
      values: this.options.memory.storage(name, "scratch", rows * width * 4),
    }));
  }

  /** Each token's row of the table, into `output`; each part of the table finds its own tokens. */
  embed(label: string, table: readonly Matrix[], output: FloatRows): void {
    const { tokens, device } = this.options;
    let first = 0;
    for (const part of table) {
      if (part.kind === "int4") throw new Error(`${label}: tables stay INT8`);
      this.#add(
        part.kind === "float"
          ? embedFloat(label, { tokens, table: part, first, output })
          : embedInt8(label, { tokens, table: part, first, signs: this.#signs(part.inputs), output }, device),
      );
      first += part.outputs;
    }
  }

  /** logits = input * tableᵀ for the rows that want them; columns of tokens that are never drawn are left alone. */
  head(label: string, input: Rows, table: readonly Matrix[], logits: FloatRows): FloatRows {
    let first = 0;
    for (const part of table) {
      const live = Math.min(part.outputs, this.options.live - first);
      if (live > 0) this.#linear(label, input, part, logits, { head: true, first, live }, false);
      first += part.outputs;
    }
    return logits;
  }

  /** Root-mean-square norm, ready to enter a linear layer. */
  norm(label: string, input: FloatRows, weight: GPUBuffer, epsilon: number, head = false): Rows {
    const { batch, device, maxRows, maxHeadRows } = this.options;
    const output = this.#activation(head ? "head norm" : "norm", input.width, head ? maxHeadRows : maxRows);
    const folded = output.kind === "int8" && foldsNorm(input.width, device);
    this.#add(rmsNorm(label, { batch, input, weight, epsilon, output, head, folded }, device));
    return folded ? { ...output, norm: { input, weight, epsilon } } : output;
  }

  /** output = input * matrixᵀ (+ bias). */
  linear(label: string, input: Rows, matrix: Matrix, output: FloatRows, options: LinearOptions = {}): FloatRows {
    this.#linear(label, input, matrix, output, options, false);
    return output;
  }

  /** residual += input * matrixᵀ (+ bias). */
  addLinear(label: string, input: Rows, matrix: Matrix, residual: FloatRows, options: LinearOptions = {}): void {
    this.#linear(label, input, matrix, residual, options, true);
  }

  /** silu(gate) * up of rows that hold both, ready to enter a linear layer. */
  gated(label: string, input: FloatRows): Rows {
    const output = this.#activation("gated", input.width / 2);
    this.#add(gatedSilu(label, { input, output }, this.options.device));
    return output;
  }

  /** LFM2's operator with a state of its own, ready to enter a linear layer. `taps` is f32 [width, tapCount]. */
  shortConv(label: string, input: FloatRows, taps: GPUBuffer, tapCount: number, bias: GPUBuffer | null): Rows {
    const width = input.width / 3;
    const entryBytes = width * 4;
    const historyBytes = (tapCount - 1) * entryBytes;
    const slotBytes = historyBytes + MAX_TREE_ROWS * entryBytes;
    const state = this.options.memory.storage(`${label} state`, "cache", 2 * slotBytes);
    this.states.push({ buffer: state, slotBytes, entryBytes, historyBytes });
    const output = this.#activation("convolved", width);
    const { batch, device } = this.options;
    this.#add(shortConv(label, { batch, input, taps, tapCount, bias: bias ?? this.#zeros(width), state, output }, device));
    return output;
  }

  /** Causal attention with a cache of its own over rows of queries, keys and values, ready to enter a linear layer. */
  attention(label: string, input: FloatRows, layer: AttentionLayer): Rows {
    const { batch, maxRows, cacheType, device } = this.options;
    const { heads, headDim, angles, rotaryDim, norms, epsilon, window = NO_WINDOW } = layer;
    const cache = this.#cache(label, layer);
    this.commits.push([kvCommit(`${label} kv_commit`, { batch, cache })]);
    const queries = { heads, buffer: this.#buffer("queries", maxRows * heads * queryBytes(cacheType, headDim)) };
    const normed = { norms: norms ?? this.#zeros(2 * headDim), epsilon: norms ? epsilon : null };
    this.#add(ropeAppend(`${label} rope_append`, { batch, input, ...normed, angles, rotaryDim, queries, cache }, device));
    const partials = this.#buffer("attention partials", partialsBytes(heads, cache, maxRows));
    const output = this.#activation("attended", heads * headDim);
    if (output.kind === "float" && cacheType === "int8") throw new Error(`${label}: rows in full precision cannot come from an INT8 cache`);
    const attend = { batch, queries, cache, scale: 1 / Math.sqrt(headDim), partials, window };
    this.#add(attention(`${label} attention`, attend, device));
    const merge = { batch, partials, heads, cache, output, window };
    this.#add(attentionMerge(`${label} attention_merge`, merge, device));
    return output;
  }

  #linear(label: string, input: Rows, matrix: Matrix, output: FloatRows, options: LinearOptions, accumulate: boolean): void {
    const { bias, head = false, ...part } = options;
    const { batch, device, maxRows, maxHeadRows } = this.options;
    const common = {
      batch,
      output,
      bias: bias ?? this.#zeros(output.width),
      ...part,
      accumulate,
      head,
      maxRows: head ? maxHeadRows : maxRows,
    };
    if (input.kind === "int8" && matrix.kind !== "float") {
      this.steps.push(linearInt8(label, { ...common, input, matrix }, device));
    } else if (input.kind === "float" && matrix.kind === "float") {
      this.steps.push(linearFloat(label, { ...common, input, matrix }, device));
    } else {
      throw new Error(`${label}: ${input.kind} rows do not fit ${matrix.kind} weights`);
    }
  }

  #add(dispatch: Step[number]): void {
    this.steps.push([dispatch]);
  }

  /** Rows on their way into a linear layer, in the model's precision. */
  #activation(name: string, width: number, rows = this.options.maxRows): Rows {
    return this.options.precision === "full" ? this.float(name, width, rows) : this.#int8(name, width, rows);
  }

  #int8(name: string, width: number, rows: number): Int8Rows {
    const { memory } = this.options;
    return once(this.#codes, `${name} ${width}`, () => ({
      kind: "int8",
      width,
      codes: memory.storage(`${name} codes`, "scratch", rows * paddedWidth(width)),
      scales: memory.storage(`${name} scales`, "scratch", rows * 4),
      signs: this.#signs(width),
    }));
  }

  #cache(label: string, { kvHeads, headDim }: AttentionLayer): KvCache {
    const { memory, cacheType: type, context } = this.options;
    const entries = 2 * kvHeads * context;
    return {
      type,
      kvHeads,
      headDim,
      context,
      entries: memory.storage(`${label} cache`, "cache", entries * cacheEntryBytes(type, headDim)),
      scales: type === "int8" ? memory.storage(`${label} cache scales`, "cache", entries * 4) : null,
    };
  }

  #signs(width: number): GPUBuffer {
    return once(this.#shared, `signs ${width}`, () => this.options.memory.upload(`signs ${width}`, "scratch", signBits(width)));
  }

  /** Zeros in the place of a bias or a weight that is not there. */
  #zeros(length: number): GPUBuffer {
    return this.#buffer("zeros", length * 4);
  }

  #buffer(name: string, bytes: number): GPUBuffer {
    return once(this.#shared, `${name} ${bytes}`, () => this.options.memory.storage(name, "scratch", bytes));
  }
}

function once<T>(known: Map<string, T>, key: string, make: () => T): T {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  return made;
}
