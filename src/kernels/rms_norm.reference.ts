/** x * weight / sqrt(mean(x²) + epsilon) for each row of [rows, width], in f64. */
export function rmsNormReference(input: Float32Array, weight: Float32Array, epsilon: number): Float32Array<ArrayBuffer> {
  const width = weight.length;
  const output = new Float32Array(input.length);
  for (let start = 0; start < input.length; start += width) {
    const row = input.subarray(start, start + width);
    const mean = row.reduce((sum, x) => sum + x * x, 0) / width;
    const scale = 1 / Math.sqrt(mean + epsilon);
    row.forEach((x, i) => {
      output[start + i] = x * scale * (weight[i] ?? 0);
    });
  }
  return output;
}
