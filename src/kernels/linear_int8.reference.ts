import { type Int8Rows, paddedWidth } from "../quantize/int8";

const { fround } = Math;

/** rows * matrixᵀ + bias in exact integer sums; `width` is both operands' inputs. Returns f32 [rows, outputs], rounded once a step. */
export function linearInt8Reference(rows: Int8Rows, matrix: Int8Rows, bias: Float32Array, width: number): Float32Array<ArrayBuffer> {
  const stride = paddedWidth(width);
  const outputs = matrix.scales.length;
  const result = new Float32Array(rows.scales.length * outputs);
  for (let at = 0; at < result.length; at++) {
    const row = Math.floor(at / outputs);
    const output = at % outputs;
    let sum = 0;
    for (let i = 0; i < width; i++) sum += (rows.codes[row * stride + i] ?? 0) * (matrix.codes[output * stride + i] ?? 0);
    // One rounding for the multiply-add, as `fma` does.
    result[at] = fround(fround(fround(sum) * (rows.scales[row] ?? 0)) * (matrix.scales[output] ?? 0) + (bias[output] ?? 0));
  }
  return result;
}
