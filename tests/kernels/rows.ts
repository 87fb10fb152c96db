// What the tests of kernels that make rows have in common: shapes, outputs, and how close is close.
import { expect } from "vitest";
import type { FloatRows, Int8Rows } from "../../src/kernels/tensors";
import { paddedWidth, type Int8Rows as Quantised } from "../../src/quantize/int8";
import { signBits } from "../../src/quantize/signs";
import type { Lab } from "../setup/gpu";

// Rows, width and whose share of threads. Widths with every kind of block: whole workspaces, parts of one, several, blocks of 4 and of 1.
export const rowShapes = [
  [1, 64, "gpu"],
  [3, 172, "software"],
  [2, 30, "gpu"],
  [2, 7, "software"],
  [5, 256, "software"],
  [1, 96, "gpu"],
  [2, 24, "software"],
  [2, 576, "gpu"],
  [1, 768, "software"],
  [2, 1024, "gpu"],
  [2, 1024, "software"],
  [3, 1536, "gpu"],
  [2, 4608, "software"],
  [1, 8192, "gpu"],
] as const;

export function floatRows(lab: Lab, rows: number, width: number): FloatRows {
  return { kind: "float", width, values: lab.output(rows * width * 4) };
}

export function int8Rows(lab: Lab, rows: number, width: number): Int8Rows {
  return {
    kind: "int8",
    width,
    codes: lab.output(rows * paddedWidth(width)),
    scales: lab.output(rows * 4),
    signs: lab.upload(signBits(width)),
  };
}

export function expectClose(actual: Float32Array, expected: Float32Array, tolerance: number): void {
  const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const worst = actual.reduce((most, x, i) => Math.max(most, Math.abs(x - (expected[i] ?? Number.NaN))), 0);
  expect(worst).toBeLessThanOrEqual(tolerance * largest);
}

/** Codes may differ by one where a value lies on the edge between two; scales by the rounding of a division. */
export async function expectQuantised(lab: Lab, actual: Int8Rows, expected: Quantised): Promise<void> {
  const codes = await lab.bytes(actual.codes, expected.codes.length);
  const scales = await lab.floats(actual.scales, expected.scales.length);
  expectClose(scales, expected.scales, 1e-5);
  let differing = 0;
  codes.forEach((code, i) => {
    const apart = Math.abs(code - (expected.codes[i] ?? Number.NaN));
    expect(apart).toBeLessThanOrEqual(1);
    differing += apart;
  });
  expect(differing).toBeLessThanOrEqual(Math.ceil(codes.length / 500));
  // Invariants that hold exactly: the largest code is 127, and what pads a row is zero.
  const stride = paddedWidth(actual.width);
  for (let row = 0; row < scales.length; row++) {
    const all = codes.subarray(row * stride, (row + 1) * stride);
    expect(Math.max(...all.map(Math.abs))).toBe(127);
    expect(all.subarray(actual.width).every((code) => code === 0)).toBe(true);
  }
}
