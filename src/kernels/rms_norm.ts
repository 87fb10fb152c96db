import code from "../../shaders/rms_norm.wgsl?raw";
import type { Dispatch } from "../gpu/plan";
import { type DeviceTraits, rowThreads } from "./policy";
import { expectShape, rowDispatch, rowShaders } from "./rows";
import type { FloatRows, Rows } from "./tensors";

export const rmsNormShaders = rowShaders("rms_norm", code, ["batch", "reduce", "normed_row"]);

export interface RmsNorm {
  readonly batch: GPUBuffer;
  readonly input: FloatRows;
  readonly weight: GPUBuffer; // f32 [width]
  readonly epsilon: number;
  readonly output: Rows;
  readonly head?: boolean; // take only the rows that want logits
  readonly folded?: boolean; // a single row is left to the products that take it; see Int8Rows
}

/** x * weight / sqrt(mean(x²) + epsilon) for each row; rotated and quantised where the output is INT8. */
export function rmsNorm(label: string, step: RmsNorm, device: DeviceTraits): Dispatch {
  const { batch, input, weight, epsilon, output, head = false, folded = false } = step;
  expectShape(label, "output width", output.width, input.width);
  return rowDispatch(
    label,
    rmsNormShaders[output.kind],
    output,
    { EPSILON: epsilon, HEAD: Number(head), THREADS: rowThreads(device) },
    { batch, input: input.values, weight },
    (shape) => {
      const rows = head ? shape.headRows : shape.rows;
      return folded && rows === 1 ? 0 : rows;
    },
  );
}
