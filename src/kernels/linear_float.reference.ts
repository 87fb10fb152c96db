/** rows * matrixᵀ + bias for [rows, inputs] and [outputs, inputs], in f64. Returns [rows, outputs]. */
export function linearFloatReference(input: Float32Array, matrix: Float32Array, bias: Float32Array): Float32Array<ArrayBuffer> {
  const outputs = bias.length;
  const inputs = matrix.length / outputs;
  return Float32Array.from({ length: (input.length / inputs) * outputs }, (_, at) => {
    const row = Math.floor(at / outputs) * inputs;
    const output = at % outputs;
    let sum = bias[output] ?? 0;
    for (let i = 0; i < inputs; i++) sum += (input[row + i] ?? 0) * (matrix[output * inputs + i] ?? 0);
    return sum;
  });
}
