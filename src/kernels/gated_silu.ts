import code from "../../shaders/gated_silu.wgsl?raw";
import type { Dispatch } from "../gpu/plan";
import { expectShape, rowDispatch, rowShaders } from "./rows";
import type { FloatRows, Rows } from "./tensors";

export const gatedSiluShaders = rowShaders("gated_silu", code, []);

export interface GatedSilu {
  readonly input: FloatRows; // gate, then up: [rows, 2 * width]
  readonly output: Rows; // [rows, width]
  readonly threads?: number; // of a workgroup; default 64. Any number gives the same bits
}

/** silu(gate) * up for each row; rotated and quantised where the output is INT8. */
export function gatedSilu(label: string, { input, output, threads = 64 }: GatedSilu): Dispatch {
  expectShape(label, "input width", input.width, 2 * output.width);
  return rowDispatch(label, gatedSiluShaders[output.kind], output, { THREADS: threads }, { input: input.values });
}
