import code from "../../shaders/gated_silu.wgsl?raw";
import type { Dispatch } from "../gpu/plan";
import { type DeviceTraits, rowThreads } from "./policy";
import { expectShape, rowDispatch, rowShaders } from "./rows";
import type { FloatRows, Rows } from "./tensors";

export const gatedSiluShaders = rowShaders("gated_silu", code, []);

export interface GatedSilu {
  readonly input: FloatRows; // gate, then up: [rows, 2 * width]
  readonly output: Rows; // [rows, width]
}

/** silu(gate) * up for each row; rotated and quantised where the output is INT8. */
export function gatedSilu(label: string, { input, output }: GatedSilu, device: DeviceTraits): Dispatch {
  expectShape(label, "input width", input.width, 2 * output.width);
  return rowDispatch(label, gatedSiluShaders[output.kind], output, { THREADS: rowThreads(device) }, { input: input.values });
}
