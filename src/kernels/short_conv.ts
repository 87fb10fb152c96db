import code from "../../shaders/short_conv.wgsl?raw";
import type { Dispatch } from "../gpu/plan";
import { type DeviceTraits, rowThreads } from "./policy";
import { expectShape, rowDispatch, rowShaders } from "./rows";
import type { FloatRows, Rows } from "./tensors";

export const shortConvShaders = rowShaders("short_conv", code, ["batch"]);

export interface ShortConv {
  readonly batch: GPUBuffer;
  readonly input: FloatRows; // B, C, x: [rows, 3 * width]
  readonly taps: GPUBuffer; // f32 [width, tapCount], the last one for the current token
  readonly tapCount: number; // at least 2
  readonly bias: GPUBuffer; // f32 [width]
  readonly state: GPUBuffer; // f32 [2 slots, tapCount - 1 and MAX_TREE_ROWS, width]; batch.state_slot is read, the other one written
  readonly output: Rows; // [rows, width]
}

/** LFM2's operator: C * conv(B * x), the convolution causal and depthwise; rotated and quantised where the output is INT8. */
export function shortConv(label: string, step: ShortConv, device: DeviceTraits): Dispatch {
  const { batch, input, taps, tapCount, bias, state, output } = step;
  expectShape(label, "input width", input.width, 3 * output.width);
  const constants = { TAPS: tapCount, THREADS: rowThreads(device) };
  return rowDispatch(label, shortConvShaders[output.kind], output, constants, { batch, input: input.values, taps, bias, state });
}
