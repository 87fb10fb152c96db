import code from "../../shaders/rotate_quantize.wgsl?raw";
import type { Dispatch } from "../gpu/plan";
import { type DeviceTraits, rowThreads } from "./policy";
import { expectShape, rowDispatch, rowShaders } from "./rows";
import type { FloatRows, Int8Rows } from "./tensors";

// Rows that stay floats need no kernel to stay as they are.
export const rotateQuantizeShader = rowShaders("rotate_quantize", code, []).int8;

export interface RotateQuantize {
  readonly input: FloatRows;
  readonly output: Int8Rows;
}

/** Random signs, Hadamard blocks and INT8 with one scale a row, as in quantize/int8.ts. */
export function rotateQuantize(label: string, { input, output }: RotateQuantize, device: DeviceTraits): Dispatch {
  expectShape(label, "output width", output.width, input.width);
  return rowDispatch(label, rotateQuantizeShader, output, { THREADS: rowThreads(device) }, { input: input.values });
}
