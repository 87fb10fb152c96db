import code from "../../shaders/linear_int8.wgsl?raw";
import type { Dispatch, PassShape, Step } from "../gpu/plan";
import type { Shader } from "../gpu/shader";
import { paddedWidth } from "../quantize/int8";
import { linearTilesShaders } from "./linear_tiles";
import { assemble } from "./parts";
import { type DeviceTraits, dotPart, type LinearVariant, linearVariants, type RowsVariant } from "./policy";
import { expectShape } from "./rows";
import type { FloatRows, Int8Rows, QuantisedMatrix } from "./tensors";

/** The most inputs whose sum cannot overflow INT32: inputs * 127 * 127 < 2^31. A group scale times a code of INT4 is at most 112. */
export const MAX_INPUTS = 133_144;

const MAX_GROUPS = 65_535; // workgroups a dimension

const shadersOf = (input: "input_direct" | "input_staged", weights: "weights_int8" | "weights_int4"): Record<DotPart, Shader> => ({
  dot_packed: assemble("linear_int8", code, ["batch", "dot_packed", input, weights, "linear_output"]),
  dot_unpacked: assemble("linear_int8", code, ["batch", "dot_unpacked", input, weights, "linear_output"]),
});

type DotPart = ReturnType<typeof dotPart>;

export const linearInt8Shaders = {
  direct: { int8: shadersOf("input_direct", "weights_int8"), int4: shadersOf("input_direct", "weights_int4") },
  staged: { int8: shadersOf("input_staged", "weights_int8"), int4: shadersOf("input_staged", "weights_int4") },
};

export interface LinearInt8 {
  readonly batch: GPUBuffer;
  readonly input: Int8Rows;
  readonly matrix: QuantisedMatrix;
  readonly bias: GPUBuffer; // f32, at least [output's width]
  readonly output: FloatRows;
  readonly first?: number; // the output's column that the matrix's first row makes; without it the two are equally wide
  readonly live?: number; // rows of the matrix that are wanted, from the first; default: all
  readonly accumulate?: boolean; // add to what the output holds
  readonly head?: boolean; // the input has only the rows that want logits
  readonly maxRows?: number; // of the input in any pass; default: any number
}

/** output = input * matrixᵀ + bias, in exact INT32 sums scaled once; every variant gives the same bits. */
export function linearInt8(label: string, linear: LinearInt8, device: DeviceTraits): Step {
  const { batch, input, matrix, bias, output, first = 0, live = matrix.outputs } = linear;
  const { accumulate = false, head = false, maxRows = Number.POSITIVE_INFINITY } = linear;
  expectShape(label, "input width", input.width, matrix.inputs);
  if (linear.first === undefined) expectShape(label, "output width", output.width, matrix.outputs);
  if (matrix.inputs > MAX_INPUTS) throw new Error(`${label}: ${matrix.inputs} inputs could overflow INT32`);
  const inputVecs = paddedWidth(matrix.inputs) / 16;
  const rowsOf = (shape: PassShape) => (head ? shape.headRows : shape.rows);
  const constants = {
    INPUT_VECS: inputVecs,
    OUTPUTS: matrix.outputs,
    LIVE: live,
    COLUMNS: output.width,
    FIRST: first,
    ACCUMULATE: Number(accumulate),
    HEAD: Number(head),
  };
  const bindings = {
    batch,
    codes: input.codes,
    scales: input.scales,
    weight: matrix.codes,
    weight_scales: matrix.scales,
    bias,
    output: output.values,
    ...(matrix.kind === "int4" && { group_scales: matrix.groups }),
  };
  return linearVariants(maxRows, device).map((variant): Dispatch => {
    const fits = (shape: PassShape) => rowsOf(shape) <= variant.maxRows;
    const common = { label, bindings, fits };
    if ("tile" in variant) {
      const { tile } = variant;
      return {
        ...common,
        shader: linearTilesShaders[matrix.kind][dotPart(device)],
        constants: { ...constants, TILE: tile },
        grid: (shape) => [Math.ceil(rowsOf(shape) / tile), Math.ceil(live / tile), 1],
      };
    }
    const { rows } = variant;
    const shape = sharing(variant, inputVecs, live);
    return {
      ...common,
      shader: linearInt8Shaders[variant.lanes > 1 ? "staged" : "direct"][matrix.kind][dotPart(device)],
      constants: { ...constants, ...shape.constants },
      grid: (pass) => [Math.ceil(rowsOf(pass) / rows), shape.groups, 1],
    };
  });
}

const STAGED_VECS = 512; // 8 KiB of workgroup memory

/** How the threads of a variant share a product's outputs: constants, and the workgroups that it takes. */
function sharing({ rows, threads, lanes }: Extract<LinearVariant, RowsVariant>, inputVecs: number, outputs: number) {
  const once = (4 * threads) / lanes; // outputs that a workgroup makes at once
  const repeat = Math.ceil(outputs / (once * MAX_GROUPS));
  const constants = {
    WORKGROUP: threads,
    LANES: lanes,
    ROWS: rows,
    TILE: lanes > 1 ? Math.min(inputVecs, STAGED_VECS / rows) : inputVecs,
    REPEAT: repeat,
  };
  return { constants, groups: Math.ceil(outputs / (once * repeat)) };
}
