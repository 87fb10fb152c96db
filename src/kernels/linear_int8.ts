import code from "../../shaders/linear_int8.wgsl?raw";
import type { Dispatch, PassShape, Step } from "../gpu/plan";
import { paddedWidth } from "../quantize/int8";
import { linearRowShaders } from "./linear_row";
import { linearTilesShaders } from "./linear_tiles";
import { assemble } from "./parts";
import { type DeviceTraits, dotPart, FOLDED, linearVariants, type RowsVariant } from "./policy";
import { expectShape, rotation } from "./rows";
import type { FloatRows, Int8Rows, QuantisedMatrix } from "./tensors";

/** The most inputs whose sum cannot overflow INT32: inputs * 127 * 127 < 2^31. A group scale times a code of INT4 is at most 112. */
export const MAX_INPUTS = 133_144;

const MAX_GROUPS = 65_535; // workgroups a dimension

type WeightsPart = "weights_int8" | "weights_int4";

const shadersOf = (input: "input_direct" | "input_staged", weights: WeightsPart) => ({
  dot_packed: assemble("linear_int8", code, ["batch", "dot_packed", input, weights, "linear_output"]),
  dot_unpacked: assemble("linear_int8", code, ["batch", "dot_unpacked", input, weights, "linear_output"]),
});

const directShaders = (weights: WeightsPart) => ({
  ...shadersOf("input_direct", weights),
  dot_integers: assemble("linear_int8", code, ["batch", "dot_integers", "input_direct", weights, "linear_output"]),
});

export const linearInt8Shaders = {
  direct: { int8: directShaders("weights_int8"), int4: directShaders("weights_int4") },
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
  const usual = dotPart(device);
  return linearVariants(maxRows, device).map((variant): Dispatch => {
    const fits = (shape: PassShape) => rowsOf(shape) <= variant.maxRows;
    if ("tile" in variant) {
      const { tile } = variant;
      return {
        label,
        shader: linearTilesShaders[matrix.kind][usual],
        constants: { ...constants, HEAD: Number(head), TILE: tile },
        bindings: { ...bindings, ...codes, batch },
        grid: (shape) => [Math.ceil(rowsOf(shape) / tile), Math.ceil(live / tile), 1],
        fits,
      };
    }
    const { rows, lanes, dot = usual } = variant;
    if (rows === 1) {
      const source = rowSource(input, lanes, batch);
      const { groups, ...shared } = sharing(input.norm ? { lanes, threads: FOLDED.threads } : variant, live, input.norm && FOLDED.outputs);
      return {
        label,
        shader: linearRowShaders[source.kind][matrix.kind][usual],
        constants: { ...constants, ...shared.constants, ...source.constants },
        bindings: { ...bindings, ...source.bindings },
        grid: (shape) => [rowsOf(shape), groups, 1],
        fits,
      };
    }
    const { groups, ...shared } = sharing(variant, live);
    const tile = lanes > 1 ? Math.min(inputVecs, STAGED_VECS / rows) : inputVecs;
    return {
      label,
      shader: lanes > 1 ? linearInt8Shaders.staged[matrix.kind][usual] : linearInt8Shaders.direct[matrix.kind][dot],
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

/** Where a product of one row finds it. */
function rowSource({ width, codes, scales, signs, norm }: Int8Rows, lanes: number, batch: GPUBuffer) {
  if (norm) {
    const constants = { EPSILON: norm.epsilon, ...rotation(width), THREADS: FOLDED.threads };
    const bindings = { batch, input: norm.input.values, weight: norm.weight, signs };
    return { kind: "normed", constants, bindings } as const;
  }
  const kind = lanes > 1 && paddedWidth(width) / 16 <= STAGED_VECS ? "staged" : "direct";
  return { kind, constants: {}, bindings: { codes, scales } } as const;
}
