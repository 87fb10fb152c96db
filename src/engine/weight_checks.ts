// The self-test's checks of what reads weights, products and tables: a loaded model's own, with the weights that they are bound to. The trial
// before had others, in two of the model's shapes; here the head is seen too, and in W4A8 the weights as they were packed. See self_test.ts.
import { linearFloatReference } from "../kernels/linear_float.reference";
import { linearInt8Reference } from "../kernels/linear_int8.reference";
import { rmsNormReference } from "../kernels/rms_norm.reference";
import { rotateQuantizeReference } from "../kernels/rotate_quantize.reference";
import type { FloatType } from "../kernels/tensors";
import { widen } from "../quantize/floats";
import { expandInt4, int4CodeBytes, int4GroupBytes } from "../quantize/int4";
import { type Int8Rows, paddedWidth, unrotate } from "../quantize/int8";
import { areClose, type Checks } from "./mixer_checks";
import type { Probe } from "./probe";
import { randomCodes, randomFloats } from "./random";

const SCALE = 1 / 64; // of a row's codes: a power of two, so that it rounds nothing
const EXACT = 2 ** -22; // sums are exact, and what is made of them is rounded a few times
const CLOSE = 1e-3; // of the largest output: sums in f32 against sums in f64, of numbers that may cancel out
const MOVED = 4 * 127; // of a row that a GPU norms, a few codes that lie between two may be the other one

/** Whether a quantised product of one row makes its first and its last output as the reference does. */
async function isProductRight(probe: Probe): Promise<boolean> {
  const { at, outputs, first, live } = await begin(probe);
  const width = 16 * probe.constant("INPUT_VECS"); // with its padding, which counts for nothing
  const isNormed = probe.has("input");
  const row = isNormed ? await fillNormed(probe) : fillCodes(probe, width);
  const rows = await quantisedRows(probe, outputs, width, at(await probe.floats("weight_scales", live)));
  const bias = at(await probe.floats("bias", live, first));
  await probe.run();
  const made = at(await probe.floats("output", live, first));
  return linearInt8Reference(row, rows, bias, width).every((y, i) => {
    const moved = isNormed ? MOVED * (row.scales[0] ?? 0) * (rows.scales[i] ?? 0) + CLOSE * Math.abs(y) : 0;
    return Math.abs(y - (made[i] ?? Number.NaN)) <= moved + EXACT * (Math.abs(y) + Math.abs(bias[i] ?? 0));
  });
}

export const productChecks: Checks = {
  linear_row: isProductRight,
  linear_int8: isProductRight,
  linear_tiles: isProductRight,
  async linear_float(probe) {
    const { at, outputs, first, live } = await begin(probe);
    const inputs = probe.constant("INPUTS");
    const row = randomFloats(inputs);
    probe.write("input", row);
    const bias = at(await probe.floats("bias", live, first));
    await probe.run();
    const made = at(await probe.floats("output", live, first));
    return areClose(made, linearFloatReference(row, await floatRows(probe, outputs, inputs), bias), CLOSE);
  },
};

export const tableChecks: Checks = {
  async embed_int8(probe) {
    const { width, last, made } = await lookUp(probe);
    const codes = new Int8Array(await probe.read("table", paddedWidth(width), last * paddedWidth(width)));
    return areClose(made, unrotate({ codes, scales: await probe.floats("table_scales", 1, last) }, width));
  },
  async embed_float(probe) {
    const { width, last, made } = await lookUp(probe);
    return areClose(made, await floatRows(probe, [last], width));
  },
};

/** Clears a product's output, since some add to what is there. `at` takes from all live outputs those that are looked at. */
async function begin(probe: Probe) {
  const [live, first] = [probe.constant("LIVE"), probe.constant("FIRST")];
  const outputs = [...new Set([0, live - 1])];
  probe.write("output", new Float32Array(live), first * 4);
  return { live, first, outputs, at: (values: Float32Array) => Float32Array.from(outputs, (output) => values[output] ?? Number.NaN) };
}

/** Random codes where the product finds its row. */
function fillCodes(probe: Probe, width: number): Int8Rows {
  const row = { codes: randomCodes(width), scales: Float32Array.of(SCALE) };
  probe.write("codes", row.codes);
  probe.write("scales", row.scales);
  return row;
}

/** A random row for a product that norms, rotates and quantises it, and what becomes of it. */
async function fillNormed(probe: Probe): Promise<Int8Rows> {
  const width = probe.constant("WIDTH");
  const input = randomFloats(width);
  probe.write("input", input);
  const weight = await probe.floats("weight", width);
  return rotateQuantizeReference(rmsNormReference(input, weight, Math.fround(probe.constant("EPSILON"))), width);
}

/** These rows of the matrix as INT8. */
async function quantisedRows(probe: Probe, rows: readonly number[], width: number, scales: Float32Array<ArrayBuffer>): Promise<Int8Rows> {
  if (!probe.has("group_scales")) return { codes: new Int8Array((await byteRows(probe, "matrix", rows, width)).buffer), scales };
  const codes = await byteRows(probe, "matrix", rows, int4CodeBytes(width));
  return expandInt4({ codes, groups: await byteRows(probe, "group_scales", rows, int4GroupBytes(width)), scales }, width);
}

async function floatRows(probe: Probe, rows: readonly number[], width: number): Promise<Float32Array<ArrayBuffer>> {
  const type: FloatType = probe.uses("weight_bf16") ? "BF16" : probe.uses("weight_f16") ? "F16" : "F32";
  return widen(await byteRows(probe, "weight", rows, width * (type === "F32" ? 4 : 2)), type);
}

async function byteRows(probe: Probe, binding: string, rows: readonly number[], rowBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(rows.length * rowBytes);
  for (const [i, row] of rows.entries()) bytes.set(new Uint8Array(await probe.read(binding, rowBytes, row * rowBytes)), i * rowBytes);
  return bytes;
}

/** Looks up the last row of a table's first part. */
async function lookUp(probe: Probe) {
  const width = probe.constant("WIDTH");
  const last = probe.constant("COUNT") - 1;
  probe.write("tokens", Uint32Array.of(probe.constant("FIRST") + last));
  await probe.run();
  return { width, last, made: await probe.floats("output", width) };
}
