/** silu(gate) * up for each row of [rows, gate and up, width], in f64. Returns [rows, width]. */
export function gatedSiluReference(input: Float32Array, width: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: input.length / 2 }, (_, at) => {
    const start = Math.floor(at / width) * 2 * width + (at % width);
    const gate = input[start] ?? 0;
    return (gate / (1 + Math.exp(-gate))) * (input[start + width] ?? 0);
  });
}
