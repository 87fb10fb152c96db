/** The table's row of each token; the table is [vocabulary, width]. Returns [rows, width]. */
export function embedFloatReference(tokens: Uint32Array, table: Float32Array, width: number): Float32Array<ArrayBuffer> {
  const output = new Float32Array(tokens.length * width);
  tokens.forEach((token, row) => {
    output.set(table.subarray(token * width, (token + 1) * width), row * width);
  });
  return output;
}
