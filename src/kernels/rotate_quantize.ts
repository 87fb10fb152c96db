import code from "../../shaders/rotate_quantize.wgsl?raw";
import type { Dispatch } from "../gpu/plan";
import { expectShape, rowDispatch, rowShaders } from "./rows";
import type { FloatRows, Int8Rows } from "./tensors";

// Rows that stay floats need no kernel to stay as they are.
export const rotateQuantizeShader = rowShaders("rotate_quantize", code, []).int8;

export interface RotateQuantize {
  readonly input: FloatRows;
  readonly output: Int8Rows;
  readonly threads?: number; // of a workgroup; default 64. Any number gives the same bits
}

/** Random signs, Hadamard blocks and INT8 with one scale a row, as in quantize/int8.ts. */
export function rotateQuantize(label: string, { input, output, threads = 64 }: RotateQuantize): Dispatch {
  expectShape(label, "output width", output.width, input.width);
  return rowDispatch(label, rotateQuantizeShader, output, { THREADS: threads }, { input: input.values });
}
