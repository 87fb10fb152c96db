import code from "../../shaders/linear_int8.wgsl?raw";
import type { Dispatch, PassShape, Step } from "../gpu/plan";
import { paddedWidth } from "../quantize/int8";
import { linearRowShaders } from "./linear_row";
import { linearTilesShaders } from "./linear_tiles";
import { assemble } from "./parts";
import { byDot, type DeviceTraits, dotPart, FOLDED, linearVariants, type RowsVariant } from "./policy";
import { expectShape, rotation } from "./rows";
import type { FloatRows, Int8Rows, QuantisedMatrix, RowNorm } from "./tensors";

/** The most inputs whose sum cannot overflow INT32: inputs * 127 * 127 < 2^31. A group scale times a code of INT4 is at most 112. */
export const MAX_INPUTS = 133_144;

const MAX_GROUPS = 65_535; // workgroups a dimension

const shadersOf = (input: "input_direct" | "input_staged", weights: "weights_int8" | "weights_int4") => {
  return byDot((dot) => assemble("linear_int8", code, ["batch", dot, input, weights, "linear_output"]));
};

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
  };
  const bindings = {
    matrix: matrix.codes,
    weight_scales: matrix.scales,
    bias,
    output: output.values,
    ...(matrix.kind === "int4" && { group_scales: matrix.groups }),
  };
  const codes = { codes: input.codes, scales: input.scales };
  const dot = dotPart(device);
  return linearVariants(maxRows, device).map((variant): Dispatch => {
    const fits = (shape: PassShape) => rowsOf(shape) <= variant.maxRows;
    if ("tile" in variant) {
      const { tile } = variant;
      return {
        label,
        shader: linearTilesShaders[matrix.kind][dot],
        constants: { ...constants, HEAD: Number(head), TILE: tile },
        bindings: { ...bindings, ...codes, batch },
        grid: (shape) => [Math.ceil(rowsOf(shape) / tile), Math.ceil(live / tile), 1],
        fits,
      };
    }
    const { rows, lanes } = variant;
    if (rows === 1 || (rows === 2 && lanes === 1)) {
      const norm = rows === 1 ? input.norm : undefined; // two rows have been normed
      const source = rowSource(input, norm, lanes, batch);
      const { groups, ...shared } = sharing(norm ? { lanes, threads: FOLDED.threads } : variant, live, norm && FOLDED.outputs);
      return {
        label,
        shader: linearRowShaders[source.kind][matrix.kind][dot],
        constants: { ...constants, ...shared.constants, ...source.constants, ROWS: rows },
        bindings: { ...bindings, ...source.bindings },
        grid: (shape) => [Math.ceil(rowsOf(shape) / rows), groups, 1],
        fits,
      };
    }
    const { groups, ...shared } = sharing(variant, live);
    const tile = lanes > 1 ? Math.min(inputVecs, STAGED_VECS / rows) : inputVecs;
    return {
      label,
      shader: linearInt8Shaders[lanes > 1 ? "staged" : "direct"][matrix.kind][dot],
      constants: { ...constants, ...shared.constants, HEAD: Number(head), ROWS: rows, TILE: tile },
      bindings: { ...bindings, ...codes, batch },
      grid: (shape) => [Math.ceil(rowsOf(shape) / rows), groups, 1],
      fits,
    };
  });
}

const STAGED_VECS = 512; // 8 KiB of workgroup memory

/** How the threads of a variant share a product's outputs, a workgroup at least so many: constants, and the workgroups that it takes. */
function sharing({ threads, lanes }: RowsVariant, outputs: number, least = 1) {
  const once = (4 * threads) / lanes; // outputs that a workgroup makes at once
  const repeat = Math.max(Math.ceil(outputs / (once * MAX_GROUPS)), Math.ceil(least / once));
  return { constants: { WORKGROUP: threads, LANES: lanes, REPEAT: repeat }, groups: Math.ceil(outputs / (once * repeat)) };
}

/** Where a product of one row, or of two, finds it. */
function rowSource({ width, codes, scales, signs }: Int8Rows, norm: RowNorm | undefined, lanes: number, batch: GPUBuffer) {
  if (norm) {
    const constants = { EPSILON: norm.epsilon, ...rotation(width), THREADS: FOLDED.threads };
    const bindings = { batch, input: norm.input.values, weight: norm.weight, signs };
    return { kind: "normed", constants, bindings } as const;
  }
  const kind = lanes === 1 ? "alone" : paddedWidth(width) / 16 <= STAGED_VECS ? "staged" : "direct";
  return { kind, constants: {}, bindings: { codes, scales } } as const;
}
