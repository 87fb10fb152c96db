import code from "../../shaders/kv_commit.wgsl?raw";
import type { Dispatch } from "../gpu/plan";
import { assemble } from "./parts";
import type { KvCache } from "./tensors";

export const kvCommitShaders = {
  int8: assemble("kv_commit", code, ["batch", "move_int8"]),
  f32: assemble("kv_commit", code, ["batch", "move_f32"]),
};

export interface KvCommit {
  readonly batch: GPUBuffer; // of the pass behind the tree's: `position` is the first that the tree's kept rows do not fill
  readonly cache: KvCache;
}

/** Moves a tree's kept keys and values to their positions. Not needed where the kept rows are 0, 1, 2 and so on. */
export function kvCommit(label: string, { batch, cache }: KvCommit): Dispatch {
  return {
    label,
    shader: kvCommitShaders[cache.type],
    constants: { CONTEXT: cache.context, HEAD_DIM: cache.headDim },
    bindings: { batch, cache: cache.entries, ...(cache.scales ? { cache_scales: cache.scales } : {}) },
    grid: () => [2 * cache.kvHeads, 1, 1],
  };
}
