// INT4 weights whose group scales are small integers: a code times its group's scale is itself an INT8 code, so the product's sums stay whole
// numbers and every INT8 kernel computes W4A8 as it is.
import { roundAway } from "./int8";

const { abs, ceil, fround, max, min } = Math;

const GROUP = 32; // consecutive inputs that share a scale
const MOST_CODE = 7; // symmetric, of four bits
const MOST_SCALE = 16; // 7 * 16 = 112 is still an INT8 code

/**
 * Quantises a row to INT4 codes in [-7, 7] in groups of 32 with whole scales of 1 to 16 times one f32 a row, and writes code * group scale to
 * `codes`. Returns the row's scale: written code * scale * `unit` is about the value, where `unit` is a factor that the caller left out of the
 * values. An all-zero row has scale 1. Same arguments and meaning as quantizeRow.
 */
export function quantizeRowInt4(values: Float32Array, codes: Int8Array, unit = 1): number {
  let largest = 0;
  for (const x of values) largest = max(largest, abs(x));
  if (largest === 0) {
    codes.fill(0, 0, values.length);
    return 1;
  }
  const step = largest / (MOST_CODE * MOST_SCALE);
  for (let start = 0; start < values.length; start += GROUP) {
    const group = values.subarray(start, start + GROUP);
    let most = 0;
    for (const x of group) most = max(most, abs(x));
    const scale = min(MOST_SCALE, max(1, ceil(most / (MOST_CODE * step))));
    group.forEach((x, i) => {
      codes[start + i] = scale * max(-MOST_CODE, min(MOST_CODE, roundAway(fround(x / (scale * step)))));
    });
  }
  return fround(step * unit);
}
