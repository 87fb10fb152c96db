import code from "../../shaders/linear_int8.wgsl?raw";
import type { PassShape, Step } from "../gpu/plan";
import { paddedWidth } from "../quantize/int8";
import { assemble } from "./parts";
import { type DeviceTraits, dotPart, linearFloatLanes } from "./policy";
import { expectShape } from "./rows";
import type { FloatRows, Int8Matrix, Int8Rows } from "./tensors";

/** The most inputs whose sum cannot overflow INT32: inputs * 127 * 127 < 2^31. */
export const MAX_INPUTS = 133_144;

export const linearInt8Shaders = {
  dot_packed: assemble("linear_int8", code, ["batch", "dot_packed"]),
  dot_unpacked: assemble("linear_int8", code, ["batch", "dot_unpacked"]),
};

export interface LinearInt8 {
  readonly batch: GPUBuffer;
  readonly input: Int8Rows;
  readonly matrix: Int8Matrix;
  readonly bias: GPUBuffer; // f32, at least [outputs]
  readonly output: FloatRows;
  readonly accumulate?: boolean; // add to what the output holds
  readonly head?: boolean; // the input has only the rows that want logits
  readonly maxRows?: number; // of the input in any pass; default: any number
}

/** output = input * matrixᵀ + bias, in exact INT32 sums scaled once; every variant gives the same bits. */
export function linearInt8(label: string, linear: LinearInt8, device: DeviceTraits): Step {
  const { batch, input, matrix, bias, output, accumulate = false, head = false, maxRows = Number.POSITIVE_INFINITY } = linear;
  expectShape(label, "input width", input.width, matrix.inputs);
  expectShape(label, "output width", output.width, matrix.outputs);
  if (matrix.inputs > MAX_INPUTS) throw new Error(`${label}: ${matrix.inputs} inputs could overflow INT32`);
  const rowsOf = (shape: PassShape) => (head ? shape.headRows : shape.rows);
  const lanes = linearFloatLanes(device);
  return ([1, 4] as const).slice(0, maxRows).map((rows) => ({
    label,
    shader: linearInt8Shaders[dotPart(device)],
    constants: {
      INPUT_VECS: paddedWidth(matrix.inputs) / 16,
      OUTPUTS: matrix.outputs,
      LANES: lanes,
      ROWS: rows,
      ACCUMULATE: Number(accumulate),
      HEAD: Number(head),
    },
    bindings: {
      batch,
      codes: input.codes,
      scales: input.scales,
      weight: matrix.codes,
      weight_scales: matrix.scales,
      bias,
      output: output.values,
    },
    grid: (shape: PassShape) => [Math.ceil(rowsOf(shape) / rows), Math.ceil((matrix.outputs * lanes) / 256), 1] as const,
    fits: (shape: PassShape) => rows > 1 || rowsOf(shape) <= 1,
  }));
}
