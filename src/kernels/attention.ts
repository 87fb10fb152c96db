import code from "../../shaders/attention.wgsl?raw";
import type { PassShape, Step } from "../gpu/plan";
import { MAX_TREE_ROWS } from "./batch";
import { assemble } from "./parts";
import { attentionThreads, type DeviceTraits, dotPart } from "./policy";
import { expectShape } from "./rows";
import type { KvCache, Queries } from "./tensors";

const behind = ["chunks", "attention_chunk"] as const;

export const attentionShaders = {
  int8: {
    dot_packed: assemble("attention", code, ["batch", "int8", "dot_packed", "cache_int8", ...behind]),
    dot_unpacked: assemble("attention", code, ["batch", "int8", "dot_unpacked", "cache_int8", ...behind]),
  },
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
 * own position and keys alone. Passes of few rows are split by chunks, others walk them; both give the same bits. headDim is at most 256.
 */
export function attention(label: string, step: Attention, device: DeviceTraits): Step {
  const { batch, queries, cache, scale, window = NO_WINDOW, partials } = step;
  const { kvHeads, headDim, context } = cache;
  const sharing = queries.heads / kvHeads;
  expectShape(label, "query heads a kv head, remainder", queries.heads % kvHeads, 0);
  if (headDim > 256) throw new Error(`${label}: heads of ${headDim} are wider than 256`);
  const common = {
    label,
    shader: cache.type === "int8" ? attentionShaders.int8[dotPart(device)] : attentionShaders[cache.type],
    bindings: {
      batch,
      query: queries.buffer,
      cache: cache.entries,
      ...(cache.scales ? { cache_scales: cache.scales } : {}),
      partials,
    },
  };
  const constants = {
    HEADS: queries.heads,
    KV_HEADS: kvHeads,
    HEAD_DIM: headDim,
    CONTEXT: context,
    SCALE: scale,
    WINDOW: window,
    THREADS: attentionThreads(device),
  };
  const tiles = ({ rows }: PassShape) => Math.ceil((rows * sharing) / 4);
  return [
    {
      ...common,
      constants: { ...constants, WALK: 0 },
      grid: (shape) => {
        const chunks = passChunks(shape, context);
        return [kvHeads, chunks, Math.min(tiles(shape), Math.ceil(WORKGROUPS / (kvHeads * chunks)))];
      },
      fits: (shape) => isSplit(shape, queries.heads, cache, partials),
    },
    { ...common, constants: { ...constants, WALK: 1 }, grid: (shape) => [kvHeads, tiles(shape), 1] },
  ];
}

/** Bytes for the partial results of any pass of at most `maxRows`. */
export function partialsBytes(heads: number, { headDim, context }: Pick<KvCache, "headDim" | "context">, maxRows: number): number {
  const split = Math.min(maxRows, MAX_TREE_ROWS) * Math.ceil(context / CHUNK);
  return Math.max(maxRows * entryBytes(heads, headDim), Math.min(split * entryBytes(heads, headDim), SPLIT_BYTES));
}

/** Whether a pass's partial results are one a chunk, rather than one a query. */
export function isSplit(shape: PassShape, heads: number, { headDim, context }: KvCache, partials: GPUBuffer): boolean {
  return shape.rows <= MAX_TREE_ROWS && shape.rows * passChunks(shape, context) * entryBytes(heads, headDim) <= partials.size;
}

function passChunks({ rows, position }: PassShape, context: number): number {
  return Math.ceil((position === undefined ? context : position + rows) / CHUNK);
}

/** Of one row and chunk: for each head its weighted sum, and a vector for the largest score and the sum of the weights. */
function entryBytes(heads: number, headDim: number): number {
  return heads * (headDim * 4 + 16);
}
