// The self-test's check of products: a loaded model's own, with the weights that they are bound to, where the trial before had others in two of
// the model's shapes. So the head is seen too, and in W4A8 the INT4 weights as they were packed. See self_test.ts.
import { linearInt8Reference } from "../kernels/linear_int8.reference";
import { rmsNormReference } from "../kernels/rms_norm.reference";
import { rotateQuantizeReference } from "../kernels/rotate_quantize.reference";
import { expandInt4, int4CodeBytes, int4GroupBytes } from "../quantize/int4";
import type { Int8Rows } from "../quantize/int8";
import { areClose } from "./mixer_checks";
import type { Probe } from "./probe";
import { randomCodes, randomFloats } from "./random";

const SCALE = 1 / 64; // of the row's codes: a power of two, so that it rounds nothing
const EXACT = 2 ** -22; // sums are exact, and then rounded twice
const MOVED = 2e-3; // of the largest output: a few codes of a row that a GPU norms may lie one beside the reference's

/** Whether a product of one row makes its first and its last output as the reference does. */
export async function isProductRight(probe: Probe): Promise<boolean> {
  const [live, first] = [probe.constant("LIVE"), probe.constant("FIRST")];
  const width = 16 * probe.constant("INPUT_VECS"); // with its padding, which counts for nothing
  const outputs = [...new Set([0, live - 1])];
  const at = (values: Float32Array) => Float32Array.from(outputs, (output) => values[output] ?? Number.NaN);
  const isNormed = probe.has("input");
  const row = isNormed ? await fillNormed(probe) : fillCodes(probe, width);
  probe.write("output", new Float32Array(live), first * 4); // some products add to what is there
  const rows = await weightRows(probe, outputs, width, at(await probe.floats("weight_scales", live)));
  const bias = at(await probe.floats("bias", live, first));
  await probe.run();
  const made = at(await probe.floats("output", live, first));
  const right = linearInt8Reference(row, rows, bias, width);
  if (isNormed) return areClose(made, right, MOVED);
  return right.every((y, i) => Math.abs(y - (made[i] ?? Number.NaN)) <= EXACT * Math.abs(y));
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

/** The weights of these outputs as INT8. */
async function weightRows(probe: Probe, outputs: readonly number[], width: number, scales: Float32Array<ArrayBuffer>): Promise<Int8Rows> {
  const rows = async (binding: string, rowBytes: number) => {
    const bytes = new Uint8Array(outputs.length * rowBytes);
    for (const [i, output] of outputs.entries())
      bytes.set(new Uint8Array(await probe.read(binding, rowBytes, output * rowBytes)), i * rowBytes);
    return bytes;
  };
  if (!probe.has("group_scales")) return { codes: new Int8Array((await rows("matrix", width)).buffer), scales };
  const packed = { codes: await rows("matrix", int4CodeBytes(width)), groups: await rows("group_scales", int4GroupBytes(width)), scales };
  return expandInt4(packed, width);
}
