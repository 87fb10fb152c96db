// The product of one row, or of two, which linear_int8.ts chooses; its reference is that kernel's.
import code from "../../shaders/linear_row.wgsl?raw";
import { assemble, type PartName } from "./parts";
import { byDot } from "./policy";

const NORM = ["batch", "reduce", "int8", "hadamard", "normed_row", "rows_value", "quantised_row"] as const satisfies readonly PartName[];

const shadersOf = (row: readonly PartName[], weights: "weights_int8" | "weights_int4") => {
  return byDot((dot) => assemble("linear_row", code, [...row, dot, weights, "linear_output"]));
};

const bothWeights = (row: readonly PartName[]) => ({ int8: shadersOf(row, "weights_int8"), int4: shadersOf(row, "weights_int4") });

/** By where the row comes from: memory, memory once a workgroup, or a row of floats that each workgroup norms and quantises. */
export const linearRowShaders = {
  alone: bothWeights(["row_direct", "sums_own"]), // of a single lane
  direct: bothWeights(["row_direct", "sums_shared"]),
  staged: bothWeights(["row_staged", "sums_shared"]),
  normed: bothWeights([...NORM, "row_normed", "sums_shared"]),
};
