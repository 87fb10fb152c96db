import { hadamard, hadamardBlock } from "./hadamard";
import { applySigns, signBits } from "./signs";

const { abs, floor, fround, max, sign, sqrt } = Math;

/** Codes of a row are padded with zeros to whole vectors of 16. */
export function paddedWidth(width: number): number {
  return Math.ceil(width / 16) * 16;
}

/** Rounds half away from zero; the sum is rounded to f32 first, as on the GPU. */
export function roundAway(x: number): number {
  return sign(x) * floor(fround(abs(x) + 0.5));
}

/**
 * Symmetric INT8 codes in [-127, 127] of `values`, written to `codes`. Returns the scale in f32: code * scale * `unit` is about the value,
 * where `unit` is a factor that the caller left out of the values. An all-zero row has scale 1.
 */
export function quantizeRow(values: Float32Array, codes: Int8Array, unit = 1): number {
  let largest = 0;
  for (const x of values) largest = max(largest, abs(x));
  if (largest === 0) {
    codes.fill(0, 0, values.length);
    return 1;
  }
  const inverse = fround(127 / largest);
  for (let i = 0; i < values.length; i++) {
    codes[i] = max(-127, Math.min(127, roundAway(fround((values[i] ?? 0) * inverse))));
  }
  return fround(largest * fround(fround(unit) / 127));
}

/** Rows of INT8 codes, `stride` apart, and their f32 scales. */
export interface Int8Rows {
  readonly codes: Int8Array<ArrayBuffer>; // [rows, paddedWidth(width)]
  readonly scales: Float32Array<ArrayBuffer>; // [rows]
}

/**
 * Rotates rows in place: random signs, then Hadamard on blocks as wide as `hadamardBlock` says. Weights go through this offline and activations
 * at run time; as both are turned by the same orthogonal matrix, their products stay what they were. Returns the factor that is left out.
 * Source: QuaRot (Ashkboos et al. 2024). `values` is [rows, width].
 */
export function rotateRows(values: Float32Array, width: number): number {
  const block = hadamardBlock(width);
  const signs = signBits(width);
  for (let start = 0; start < values.length; start += width) {
    const x = values.subarray(start, start + width);
    applySigns(x, signs);
    hadamard(x, block);
  }
  return 1 / sqrt(block);
}

/** Rotates rows and quantises them with one scale a row. `values` is [rows, width] and is used as scratch. */
export function rotateQuantize(values: Float32Array, width: number): Int8Rows {
  const unit = rotateRows(values, width);
  return quantizeRows(values, width, unit);
}

/** Quantises each row as it is; `unit` is a factor that the caller left out of the values, [rows, width]. */
export function quantizeRows(values: Float32Array, width: number, unit = 1): Int8Rows {
  const rows = values.length / width;
  const stride = paddedWidth(width);
  const codes = new Int8Array(rows * stride);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const x = values.subarray(row * width, (row + 1) * width);
    scales[row] = quantizeRow(x, codes.subarray(row * stride, (row + 1) * stride), unit);
  }
  return { codes, scales };
}

/** What rotated codes stand for: scaled, and turned back. Returns [rows, width]. */
export function unrotate(rows: Int8Rows, width: number): Float32Array<ArrayBuffer> {
  const count = rows.scales.length;
  const stride = paddedWidth(width);
  const block = hadamardBlock(width);
  const signs = signBits(width);
  const values = new Float32Array(count * width);
  for (let row = 0; row < count; row++) {
    const x = values.subarray(row * width, (row + 1) * width);
    x.set(rows.codes.subarray(row * stride, row * stride + width));
    hadamard(x, block);
    const scale = fround((rows.scales[row] ?? 0) * fround(1 / sqrt(block)));
    for (let i = 0; i < width; i++) x[i] = (x[i] ?? 0) * scale;
    applySigns(x, signs);
  }
  return values;
}
