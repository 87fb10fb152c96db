import code from "../../shaders/rope_append.wgsl?raw";
import type { Dispatch, PassShape } from "../gpu/plan";
import { hadamardBlock, workspaceSize } from "../quantize/hadamard";
import { assemble } from "./parts";
import { type DeviceTraits, rowThreads } from "./policy";
import { expectShape } from "./rows";
import type { FloatRows, KvCache, Queries } from "./tensors";

const shared = ["batch", "reduce", "hadamard"] as const;

export const ropeAppendShaders = {
  int8: assemble("rope_append", code, [...shared, "int8", "append_int8"]),
  f32: assemble("rope_append", code, [...shared, "append_f32"]),
};

/** Positions between the turns that a table keeps; those between are two turns, one behind the other. */
export const ANGLE_STEP = 128; // the self-test's position lies behind the first

export interface RopeAppend {
  readonly batch: GPUBuffer;
  readonly input: FloatRows; // queries, keys, values: [rows, (heads + 2 * kvHeads) * headDim]
  readonly norms: GPUBuffer; // f32 [queries and keys, headDim]; read only where `epsilon` is given
  readonly epsilon: number | null; // of the norm of each query and key head; null: the family has none
  readonly angles: GPUBuffer; // f32 cosine and sine, of positions 0 to ANGLE_STEP - 1, then of every ANGLE_STEP-th: [all these, rotaryDim / 2]
  readonly rotaryDim: number;
  readonly queries: Queries;
  readonly cache: KvCache;
}

/** Norms (where asked for) and turns queries and keys, and appends keys and values to the cache at the batch's positions. */
export function ropeAppend(label: string, step: RopeAppend, device: DeviceTraits): Dispatch {
  const { batch, input, norms, epsilon, angles, rotaryDim, queries, cache } = step;
  const heads = queries.heads + 2 * cache.kvHeads;
  expectShape(label, "input width", input.width, heads * cache.headDim);
  expectShape(label, "head width modulo 4", cache.headDim % 4, 0);
  return {
    label,
    shader: ropeAppendShaders[cache.type],
    constants: {
      HEADS: queries.heads,
      KV_HEADS: cache.kvHeads,
      CONTEXT: cache.context,
      HEAD_DIM: cache.headDim,
      SIZE: workspaceSize(cache.headDim),
      THREADS: rowThreads(device),
      BLOCK: hadamardBlock(cache.headDim),
      ROTARY_DIM: rotaryDim,
      ANGLE_STEP,
      NORM: Number(epsilon !== null),
      EPSILON: epsilon ?? 0,
    },
    bindings: {
      batch,
      input: input.values,
      norms,
      angles,
      query: queries.buffer,
      cache: cache.entries,
      ...(cache.scales ? { cache_scales: cache.scales } : {}),
    },
    grid: (shape: PassShape) => [heads, shape.rows, 1],
  };
}
