import code from "../../shaders/attention.wgsl?raw";
import type { Dispatch, PassShape } from "../gpu/plan";
import { MAX_TREE_ROWS } from "./batch";
import { assemble } from "./parts";
import { attentionThreads, byDot, type DeviceTraits, dotPart } from "./policy";
import { expectShape } from "./rows";
import type { KvCache, Queries } from "./tensors";

const behind = ["chunks", "tile", "attention_chunk"] as const;

export const attentionShaders = {
  int8: byDot((dot) => assemble("attention", code, ["batch", "int8", dot, "cache_int8", ...behind])),
  f32: assemble("attention", code, ["batch", "cache_f32", ...behind]),
};

export const CHUNK = 128; // keys; as in shaders/lib/chunks.wgsl
const SPLIT_BYTES = 16 * 1024 * 1024; // of partial results, at most
const WORKGROUPS = 512; // that keep a large GPU busy

/** Window of a layer whose queries see all keys before them. */
export const NO_WINDOW = 2 ** 31;

export interface Attention {
  readonly batch: GPUBuffer;
  readonly queries: Queries;
  readonly cache: KvCache; // already holds the pass's own keys and values
  readonly scale: number; // of the scores, usually 1 / sqrt(headDim)
  readonly window?: number; // keys that a query sees, its own included; default: all
  readonly partials: GPUBuffer; // at least partialsBytes; what attentionMerge reads
}

/**
 * Causal attention over the cache, up to the merging of what each chunk of keys gives, which attentionMerge does. A query's result depends on its
 * own position and keys alone. Passes of few rows are split by chunks, others walk them, to the same bits. headDim is at most 256.
 */
export function attention(label: string, step: Attention, device: DeviceTraits): Dispatch {
  const { batch, queries, cache, scale, window = NO_WINDOW, partials } = step;
  const { kvHeads, headDim, context } = cache;
  const sharing = queries.heads / kvHeads;
  expectShape(label, "query heads a kv head, remainder", queries.heads % kvHeads, 0);
  if (headDim > 256) throw new Error(`${label}: heads of ${headDim} are wider than 256`);
  const split = splitRows(queries.heads, headDim, partials);
  return {
    label,
    shader: cache.type === "int8" ? attentionShaders.int8[dotPart(device)] : attentionShaders[cache.type],
    constants: {
      HEADS: queries.heads,
      KV_HEADS: kvHeads,
      HEAD_DIM: headDim,
      CONTEXT: context,
      SCALE: scale,
      WINDOW: window,
      SPLIT: split,
      THREADS: attentionThreads(device),
    },
    bindings: {
      batch,
      query: queries.buffer,
      cache: cache.entries,
      ...(cache.scales ? { cache_scales: cache.scales } : {}),
      partials,
    },
    grid({ rows, position }: PassShape) {
      // Where the position is not known, a grid for either way; workgroups with nothing to do end at once.
      const chunks = Math.ceil((position === undefined ? context : position + rows) / CHUNK);
      const tiles = Math.ceil((rows * sharing) / 4);
      // As is_split in shaders/lib/chunks.wgsl, which says why.
      const few = rows <= MAX_TREE_ROWS && (rows * chunks <= split || position === undefined);
      if (!few) return [kvHeads, tiles, 1];
      const each = Math.min(tiles, Math.ceil(WORKGROUPS / (kvHeads * chunks)));
      return [kvHeads, position === undefined ? Math.max(chunks, tiles) : chunks, each];
    },
  };
}

/** Bytes for the partial results of any pass of at most `maxRows`. */
export function partialsBytes(heads: number, { headDim, context }: Pick<KvCache, "headDim" | "context">, maxRows: number): number {
  const split = Math.min(maxRows, MAX_TREE_ROWS) * Math.ceil(context / CHUNK);
  return Math.max(maxRows * entryBytes(heads, headDim), Math.min(split * entryBytes(heads, headDim), SPLIT_BYTES));
}

/** How many partial results, of a row and a chunk each, there is room for. */
export function splitRows(heads: number, headDim: number, partials: GPUBuffer): number {
  return Math.floor(partials.size / entryBytes(heads, headDim));
}

/** Of one row and chunk: for each head its weighted sum, and a vector for the largest score and the sum of the weights. */
function entryBytes(heads: number, headDim: number): number {
  return heads * (headDim * 4 + 16);
}
