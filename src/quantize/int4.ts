// INT4 weights whose group scales are small integers: a code times its group's scale is itself an INT8 code, so the product's sums stay whole
// numbers. Packed as shaders/lib/weights_int4.wgsl reads them.
import { type Int8Rows, paddedWidth, rotateRows, roundAway } from "./int8";

const { abs, ceil, floor, fround, max, min } = Math;

const GROUP = 32; // consecutive inputs that share a scale
const MOST_CODE = 7; // symmetric, of four bits
const MOST_SCALE = 16; // 7 * 16 = 112 is still an INT8 code

// What is searched for the least squared error. The first of these channel scales lets every value through unclipped; with smaller ones the
// largest groups are clipped and all others get finer steps. Scales of a group further from where its largest value just fits never won.
const CHANNEL_SCALES = [1, 0.9, 0.8, 0.7];
const LEAST_FIT = 0.7;
const MOST_FIT = 1.15;

/** Rows of INT4 codes, two to a byte, and their scales. */
export interface Int4Rows {
  readonly codes: Uint8Array<ArrayBuffer>; // code + 8, half a byte each, [rows, int4CodeBytes(width)]
  readonly groups: Uint8Array<ArrayBuffer>; // scale - 1, half a byte a group, [rows, int4GroupBytes(width)]
  readonly scales: Float32Array<ArrayBuffer>; // [rows]
}

/** Bytes of a row's codes: whole vectors of 16, as in INT8. */
export function int4CodeBytes(width: number): number {
  return paddedWidth(width) / 2;
}

/** Bytes of a row's group scales: whole words. */
export function int4GroupBytes(width: number): number {
  return ceil(width / (8 * GROUP)) * 4;
}

/** Rotates rows as rotateQuantize does and quantises them to INT4. `values` is [rows, width] and is used as scratch. */
export function rotateQuantizeInt4(values: Float32Array, width: number): Int4Rows {
  const rows = values.length / width;
  const unit = rotateRows(values, width);
  const [codeBytes, groupBytes] = [int4CodeBytes(width), int4GroupBytes(width)];
  const packed: Int4Rows = {
    codes: new Uint8Array(rows * codeBytes).fill(0x88), // zeros
    groups: new Uint8Array(rows * groupBytes),
    scales: new Float32Array(rows),
  };
  const codes = new Int8Array(width);
  const groups = new Uint8Array(ceil(width / GROUP));
  for (let row = 0; row < rows; row++) {
    packed.scales[row] = quantizeRowInt4(values.subarray(row * width, (row + 1) * width), codes, groups, unit);
    const rowCodes = packed.codes.subarray(row * codeBytes, (row + 1) * codeBytes);
    codes.forEach((code, i) => {
      const { byte, shift } = codePlace(i);
      rowCodes[byte] = ((rowCodes[byte] ?? 0) & ~(15 << shift)) | ((code + 8) << shift);
    });
    groups.forEach((scale, i) => {
      const at = row * groupBytes + (i >> 1);
      packed.groups[at] = (packed.groups[at] ?? 0) | ((scale - 1) << (4 * (i & 1)));
    });
  }
  return packed;
}

/**
 * Quantises a row to `codes` in [-7, 7] in groups of 32 with whole `groups` scales of 1 to 16 times one f32 a row, which it returns:
 * code * group's scale * returned scale * `unit` is about the value, where `unit` is a factor that the caller left out of the values. Of the
 * scales it tries it takes those with the least squared error. An all-zero row has scale 1.
 */
export function quantizeRowInt4(values: Float32Array, codes: Int8Array, groups: Uint8Array, unit = 1): number {
  let largest = 0;
  for (const x of values) largest = max(largest, abs(x));
  if (largest === 0) {
    codes.fill(0);
    groups.fill(1);
    return 1;
  }
  let step = 0;
  let leastError = Number.POSITIVE_INFINITY;
  const tried = new Uint8Array(groups.length);
  for (const part of CHANNEL_SCALES) {
    const candidate = (largest * part) / (MOST_CODE * MOST_SCALE);
    const error = fitGroups(values, candidate, tried);
    if (error >= leastError) continue;
    leastError = error;
    step = candidate;
    groups.set(tried);
  }
  values.forEach((x, i) => {
    codes[i] = codeOf(x, (groups[floor(i / GROUP)] ?? 1) * step);
  });
  return fround(step * unit);
}

/** What INT4 codes amount to as INT8: every code times its group's scale. */
export function expandInt4({ codes, groups, scales }: Int4Rows, width: number): Int8Rows {
  const stride = paddedWidth(width);
  const [codeBytes, groupBytes] = [int4CodeBytes(width), int4GroupBytes(width)];
  const expanded = new Int8Array(scales.length * stride);
  for (let row = 0; row < scales.length; row++) {
    for (let i = 0; i < width; i++) {
      const { byte, shift } = codePlace(i);
      const code = (((codes[row * codeBytes + byte] ?? 0) >> shift) & 15) - 8;
      const group = floor(i / GROUP);
      const scale = (((groups[row * groupBytes + (group >> 1)] ?? 0) >> (4 * (group & 1))) & 15) + 1;
      expanded[row * stride + i] = code * scale;
    }
  }
  return { codes: expanded, scales };
}

/** Where a row's code lies. Of eight, a word's low half bytes are the first four, so that masking a word gives four neighbours. */
function codePlace(i: number): { readonly byte: number; readonly shift: number } {
  return { byte: (i >> 3) * 4 + (i & 3), shift: i & 4 };
}

/** Chooses each group's scale for this channel scale. Returns the row's squared error. */
function fitGroups(values: Float32Array, step: number, groups: Uint8Array): number {
  let error = 0;
  for (let index = 0; index < groups.length; index++) {
    const group = values.subarray(index * GROUP, (index + 1) * GROUP);
    let largest = 0;
    for (const x of group) largest = max(largest, abs(x));
    const fitting = largest / (MOST_CODE * step);
    const last = min(MOST_SCALE, max(1, ceil(fitting * MOST_FIT)));
    let least = Number.POSITIVE_INFINITY;
    for (let scale = min(last, max(1, floor(fitting * LEAST_FIT))); scale <= last; scale++) {
      const groupError = squaredError(group, scale * step);
      if (groupError >= least) continue;
      least = groupError;
      groups[index] = scale;
    }
    error += least;
  }
  return error;
}

function squaredError(values: Float32Array, step: number): number {
  let error = 0;
  for (const x of values) {
    const off = x - codeOf(x, step) * step;
    error += off * off;
  }
  return error;
}

function codeOf(x: number, step: number): number {
  return max(-MOST_CODE, min(MOST_CODE, roundAway(fround(x / step))));
}
