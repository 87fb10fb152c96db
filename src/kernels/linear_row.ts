// The product of one row, which linear_int8.ts chooses; its reference is that kernel's.
import code from "../../shaders/linear_row.wgsl?raw";
import type { Shader } from "../gpu/shader";
import { assemble, type PartName } from "./parts";

const NORM = ["batch", "reduce", "int8", "hadamard", "normed_row", "rows_value", "quantised_row"] as const satisfies readonly PartName[];

const shadersOf = (row: readonly PartName[], weights: "weights_int8" | "weights_int4"): Record<"dot_packed" | "dot_unpacked", Shader> => ({
  dot_packed: assemble("linear_row", code, [...row, "dot_packed", weights, "linear_output"]),
  dot_unpacked: assemble("linear_row", code, [...row, "dot_unpacked", weights, "linear_output"]),
});

const bothWeights = (row: readonly PartName[]) => ({ int8: shadersOf(row, "weights_int8"), int4: shadersOf(row, "weights_int4") });

/** By where the row comes from: memory, memory once a workgroup, or a row of floats that each workgroup norms and quantises. */
export const linearRowShaders = {
  direct: bothWeights(["row_direct"]),
  staged: bothWeights(["row_staged"]),
  normed: bothWeights([...NORM, "row_normed"]),
};
