// The functions that several shaders share, by name.
import appendF32 from "../../shaders/lib/append_f32.wgsl?raw";
import appendInt8 from "../../shaders/lib/append_int8.wgsl?raw";
import attentionChunk from "../../shaders/lib/attention_chunk.wgsl?raw";
import batch from "../../shaders/lib/batch.wgsl?raw";
import best from "../../shaders/lib/best.wgsl?raw";
import cacheF32 from "../../shaders/lib/cache_f32.wgsl?raw";
import cacheInt8 from "../../shaders/lib/cache_int8.wgsl?raw";
import chunks from "../../shaders/lib/chunks.wgsl?raw";
import counts from "../../shaders/lib/counts.wgsl?raw";
import deliver from "../../shaders/lib/deliver.wgsl?raw";
import dotMasked from "../../shaders/lib/dot_masked.wgsl?raw";
import dotPacked from "../../shaders/lib/dot_packed.wgsl?raw";
import dotUnpacked from "../../shaders/lib/dot_unpacked.wgsl?raw";
import drawing from "../../shaders/lib/drawing.wgsl?raw";
import hadamard from "../../shaders/lib/hadamard.wgsl?raw";
import inputDirect from "../../shaders/lib/input_direct.wgsl?raw";
import inputStaged from "../../shaders/lib/input_staged.wgsl?raw";
import int8 from "../../shaders/lib/int8.wgsl?raw";
import levels from "../../shaders/lib/levels.wgsl?raw";
import linearOutput from "../../shaders/lib/linear_output.wgsl?raw";
import mass from "../../shaders/lib/mass.wgsl?raw";
import mergedFloat from "../../shaders/lib/merged_float.wgsl?raw";
import mergedInt8 from "../../shaders/lib/merged_int8.wgsl?raw";
import moveF32 from "../../shaders/lib/move_f32.wgsl?raw";
import moveInt8 from "../../shaders/lib/move_int8.wgsl?raw";
import noise from "../../shaders/lib/noise.wgsl?raw";
import normedRow from "../../shaders/lib/normed_row.wgsl?raw";
import order from "../../shaders/lib/order.wgsl?raw";
import quantisedRow from "../../shaders/lib/quantised_row.wgsl?raw";
import reduce from "../../shaders/lib/reduce.wgsl?raw";
import rowDirect from "../../shaders/lib/row_direct.wgsl?raw";
import rowNormed from "../../shaders/lib/row_normed.wgsl?raw";
import rowStaged from "../../shaders/lib/row_staged.wgsl?raw";
import rowsFloat from "../../shaders/lib/rows_float.wgsl?raw";
import rowsInt8 from "../../shaders/lib/rows_int8.wgsl?raw";
import rowsValue from "../../shaders/lib/rows_value.wgsl?raw";
import sampleFinish from "../../shaders/lib/sample_finish.wgsl?raw";
import sampleLevel from "../../shaders/lib/sample_level.wgsl?raw";
import sampleSlice from "../../shaders/lib/sample_slice.wgsl?raw";
import sampleWhole from "../../shaders/lib/sample_whole.wgsl?raw";
import scores from "../../shaders/lib/scores.wgsl?raw";
import slices from "../../shaders/lib/slices.wgsl?raw";
import sumsOwn from "../../shaders/lib/sums_own.wgsl?raw";
import sumsShared from "../../shaders/lib/sums_shared.wgsl?raw";
import tallies from "../../shaders/lib/tallies.wgsl?raw";
import threshold from "../../shaders/lib/threshold.wgsl?raw";
import tile from "../../shaders/lib/tile.wgsl?raw";
import weightBf16 from "../../shaders/lib/weight_bf16.wgsl?raw";
import weightF16 from "../../shaders/lib/weight_f16.wgsl?raw";
import weightF32 from "../../shaders/lib/weight_f32.wgsl?raw";
import weightsInt4 from "../../shaders/lib/weights_int4.wgsl?raw";
import weightsInt8 from "../../shaders/lib/weights_int8.wgsl?raw";
import wide from "../../shaders/lib/wide.wgsl?raw";
import { makeShader, type Shader } from "../gpu/shader";

const parts = {
  append_f32: appendF32,
  append_int8: appendInt8,
  attention_chunk: attentionChunk,
  batch,
  best,
  cache_f32: cacheF32,
  cache_int8: cacheInt8,
  chunks,
  counts,
  deliver,
  dot_masked: dotMasked,
  dot_packed: dotPacked,
  dot_unpacked: dotUnpacked,
  drawing,
  hadamard,
  input_direct: inputDirect,
  input_staged: inputStaged,
  int8,
  linear_output: linearOutput,
  levels,
  mass,
  merged_float: mergedFloat,
  merged_int8: mergedInt8,
  move_f32: moveF32,
  move_int8: moveInt8,
  noise,
  normed_row: normedRow,
  quantised_row: quantisedRow,
  order,
  reduce,
  row_direct: rowDirect,
  row_normed: rowNormed,
  row_staged: rowStaged,
  rows_float: rowsFloat,
  rows_int8: rowsInt8,
  rows_value: rowsValue,
  sample_finish: sampleFinish,
  sample_level: sampleLevel,
  sample_slice: sampleSlice,
  sample_whole: sampleWhole,
  scores,
  slices,
  sums_own: sumsOwn,
  sums_shared: sumsShared,
  tallies,
  threshold,
  tile,
  weight_bf16: weightBf16,
  weight_f16: weightF16,
  weight_f32: weightF32,
  weights_int4: weightsInt4,
  weights_int8: weightsInt8,
  wide,
} as const;

export type PartName = keyof typeof parts;

/** The kernel's own code behind the named parts. */
export function assemble(name: string, code: string, uses: readonly PartName[]): Shader {
  return makeShader(name, [...uses.map((part) => ({ name: `lib/${part}.wgsl`, code: parts[part] })), { name: `${name}.wgsl`, code }]);
}
