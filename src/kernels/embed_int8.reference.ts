import { type Int8Rows, paddedWidth, unrotate } from "../quantize/int8";

/** The table's row of each token, scaled and rotated back. Returns [rows, width]. */
export function embedInt8Reference(tokens: Uint32Array, table: Int8Rows, width: number): Float32Array<ArrayBuffer> {
  const stride = paddedWidth(width);
  const codes = new Int8Array(tokens.length * stride);
  tokens.forEach((token, row) => {
    codes.set(table.codes.subarray(token * stride, (token + 1) * stride), row * stride);
  });
  return unrotate({ codes, scales: Float32Array.from(tokens, (token) => table.scales[token] ?? 0) }, width);
}
