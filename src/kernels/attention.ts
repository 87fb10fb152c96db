import code from "../../shaders/attention.wgsl?raw";
import type { Dispatch, PassShape } from "../gpu/plan";
import { hadamardBlock, workspaceSize } from "../quantize/hadamard";
import { assemble } from "./parts";
import { type DeviceTraits, dotPart } from "./policy";
import { expectShape } from "./rows";
import type { FloatRows, KvCache, Queries } from "./tensors";

const shared = ["batch", "reduce", "hadamard"] as const;

export const attentionShaders = {
  int8: {
    dot_packed: assemble("attention", code, [...shared, "int8", "dot_packed", "cache_int8"]),
    dot_unpacked: assemble("attention", code, [...shared, "int8", "dot_unpacked", "cache_int8"]),
  },
  f32: assemble("attention", code, [...shared, "cache_f32"]),
};

export interface Attention {
  readonly batch: GPUBuffer;
  readonly queries: Queries;
  readonly cache: KvCache; // already holds the pass's own keys and values
  readonly scale: number; // of the scores, usually 1 / sqrt(headDim)
  readonly output: FloatRows; // [rows, heads * headDim]
}

/** Causal attention over the cache; a query's result depends on its position alone, not on the rows beside it. headDim is at most 256. */
export function attention(label: string, { batch, queries, cache, scale, output }: Attention, device: DeviceTraits): Dispatch {
  expectShape(label, "output width", output.width, queries.heads * cache.headDim);
  expectShape(label, "query heads a kv head, remainder", queries.heads % cache.kvHeads, 0);
  if (cache.headDim > 256) throw new Error(`${label}: heads of ${cache.headDim} are wider than 256`);
  return {
    label,
    shader: cache.type === "int8" ? attentionShaders.int8[dotPart(device)] : attentionShaders[cache.type],
    constants: {
      HEADS: queries.heads,
      KV_HEADS: cache.kvHeads,
      CONTEXT: cache.context,
      HEAD_DIM: cache.headDim,
      SIZE: workspaceSize(cache.headDim),
      BLOCK: hadamardBlock(cache.headDim),
      SCALE: scale,
    },
    bindings: {
      batch,
      query: queries.buffer,
      cache: cache.entries,
      ...(cache.scales ? { cache_scales: cache.scales } : {}),
      output: output.values,
    },
    grid: (shape: PassShape) => [queries.heads, shape.rows, 1],
  };
}
