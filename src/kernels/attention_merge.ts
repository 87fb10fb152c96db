import code from "../../shaders/attention_merge.wgsl?raw";
import type { Dispatch } from "../gpu/plan";
import { hadamardBlock, workspaceSize } from "../quantize/hadamard";
import { NO_WINDOW, splitRows } from "./attention";
import { type DeviceTraits, mergeThreads } from "./policy";
import { expectShape, rowDispatch, rowShaders } from "./rows";
import type { KvCache, Rows } from "./tensors";

export const attentionMergeShaders = rowShaders("attention_merge", code, ["batch", "chunks"], {
  float: ["merged_float"],
  int8: ["merged_int8"],
});

const MAX_WORKSPACE = 2048; // values; a row that fits is merged once instead of twice

export interface AttentionMerge {
  readonly batch: GPUBuffer;
  readonly partials: GPUBuffer; // from attention
  readonly heads: number;
  readonly cache: KvCache; // which attention looked at
  readonly window?: number; // as attention has it
  readonly output: Rows; // [rows, heads * headDim]; floats stay rotated within the heads where an INT8 cache is
}

/** Merges what attention got from each chunk of keys, in ascending order; rotated back, rotated for the next layer and quantised where the output is INT8. */
export function attentionMerge(label: string, step: AttentionMerge, device: DeviceTraits): Dispatch {
  const { batch, partials, heads, cache, window = NO_WINDOW, output } = step;
  const { headDim, type } = cache;
  expectShape(label, "output width", output.width, heads * headDim);
  const split = splitRows(heads, headDim, partials);
  const constants = { HEADS: heads, HEAD_DIM: headDim, WINDOW: window, SPLIT: split, THREADS: mergeThreads(device) };
  if (output.kind === "float") return rowDispatch(label, attentionMergeShaders.float, output, constants, { batch, partials });
  const block = type === "int8" ? hadamardBlock(headDim) : 1;
  const dispatch = rowDispatch(label, attentionMergeShaders.int8, output, { ...constants, HEAD_BLOCK: block }, { batch, partials });
  return { ...dispatch, constants: { ...dispatch.constants, SIZE: workspace(output.width) } };
}

function workspace(width: number): number {
  const least = workspaceSize(width);
  return least * Math.min(Math.ceil(width / least), Math.floor(MAX_WORKSPACE / least));
}
