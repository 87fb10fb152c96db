/**
 * LFM2's operator over consecutive rows of [rows, B and C and x, width], in f64: C * (causal depthwise convolution of B * x). `taps` is
 * [width, tapCount]; `state` is [tapCount - 1, width], the last values of B * x, oldest first, and is moved on in place. Returns [rows, width].
 */
export function shortConvReference(
  input: Float32Array,
  taps: Float32Array,
  bias: Float32Array,
  state: Float32Array,
): Float32Array<ArrayBuffer> {
  const width = bias.length;
  const tapCount = taps.length / width;
  const rows = input.length / (3 * width);
  const output = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < width; column++) {
      const part = (index: number) => input[(row * 3 + index) * width + column] ?? 0;
      const window = Array.from({ length: tapCount - 1 }, (_, age) => state[age * width + column] ?? 0);
      window.push(part(0) * part(2));
      const sum = window.reduce((total, z, tap) => total + z * (taps[column * tapCount + tap] ?? 0), bias[column] ?? 0);
      output[row * width + column] = part(1) * sum;
      window.slice(1).forEach((z, age) => {
        state[age * width + column] = z;
      });
    }
  }
  return output;
}
