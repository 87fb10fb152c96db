import code from "../../shaders/linear_float.wgsl?raw";
import type { PassShape, Step } from "../gpu/plan";
import { EngineError } from "../protocol/errors";
import { assemble } from "./parts";
import { type DeviceTraits, linearFloatLanes, linearFloatRows } from "./policy";
import { expectShape } from "./rows";
import type { FloatMatrix, FloatRows } from "./tensors";

export const linearFloatShaders = {
  F32: assemble("linear_float", code, ["batch", "weight_f32"]),
  F16: assemble("linear_float", code, ["batch", "weight_f16"]),
  BF16: assemble("linear_float", code, ["batch", "weight_bf16"]),
};

export interface LinearFloat {
  readonly batch: GPUBuffer;
  readonly input: FloatRows;
  readonly matrix: FloatMatrix;
  readonly bias: GPUBuffer; // f32, at least [output's width]
  readonly output: FloatRows;
  readonly first?: number; // the output's column that the matrix's first row makes; without it the two are equally wide
  readonly live?: number; // rows of the matrix that are wanted, from the first; default: all
  readonly accumulate?: boolean; // add to what the output holds
  readonly head?: boolean; // the input has only the rows that want logits
  readonly maxRows?: number; // of the input in any pass; default: any number
}

/** output = input * matrixᵀ + bias in f32, every sum in the same order whatever the number of rows. Inputs must be a multiple of 4. */
export function linearFloat(label: string, linear: LinearFloat, device: DeviceTraits): Step {
  const { batch, input, matrix, bias, output, first = 0, live = matrix.outputs } = linear;
  const { accumulate = false, head = false, maxRows = Number.POSITIVE_INFINITY } = linear;
  expectShape(label, "input width", input.width, matrix.inputs);
  if (linear.first === undefined) expectShape(label, "output width", output.width, matrix.outputs);
  if (matrix.inputs % 4 !== 0) {
    throw new EngineError("model-unsupported", "Full precision needs layers whose width is a multiple of 4.", `${label}: ${matrix.inputs}`);
  }
  const rowsOf = (shape: PassShape) => (head ? shape.headRows : shape.rows);
  const lanes = linearFloatLanes(device);
  return linearFloatRows(maxRows, device).map((rows, i, all) => ({
    label,
    shader: linearFloatShaders[matrix.type],
    constants: {
      INPUTS: matrix.inputs,
      OUTPUTS: matrix.outputs,
      LIVE: live,
      COLUMNS: output.width,
      FIRST: first,
      LANES: lanes,
      ROWS: rows,
      ACCUMULATE: Number(accumulate),
      HEAD: Number(head),
    },
    bindings: { batch, input: input.values, weight: matrix.weight, bias, output: output.values },
    grid: (shape: PassShape) => [Math.ceil(rowsOf(shape) / rows), Math.ceil((live * lanes) / 256), 1] as const,
    fits: (shape: PassShape) => i === all.length - 1 || rowsOf(shape) <= rows,
  }));
}
