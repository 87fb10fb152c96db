// The self-test's checks of what mixes tokens: rotary embedding and cache, attention, short convolution. See self_test.ts.
import { CHUNK } from "../kernels/attention";
import { attentionReference } from "../kernels/attention.reference";
import { attentionMergeReference } from "../kernels/attention_merge.reference";
import { ANGLE_STEP } from "../kernels/rope_append";
import { ropeHeadReference, ropeTurnsReference } from "../kernels/rope_append.reference";
import { rotateQuantizeReference } from "../kernels/rotate_quantize.reference";
import { shortConvReference } from "../kernels/short_conv.reference";
import { hadamard, hadamardBlock } from "../quantize/hadamard";
import { paddedWidth, quantizeRow } from "../quantize/int8";
import type { Probe } from "./probe";
import { randomCodes, randomFloats } from "./random";

const DEPTH = 150; // of the row that attends, in the second chunk of keys and behind ANGLE_STEP where the context reaches that far
const CLOSE = 1e-5; // sums in f32 against sums in f64, as a share of the largest
const SCALE = 1 / 64; // of INT8 codes

/** Whether a kernel of a loaded model computes what its reference does, by the kernel's name. */
export type Checks = Readonly<Record<string, (probe: Probe) => Promise<boolean>>>;

/** Whether these floats are what was expected, but for the last bits or for so small a share of the largest. */
export function areClose(actual: Float32Array, expected: Float32Array, share = CLOSE): boolean {
  const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return expected.every((x, i) => Math.abs(x - (actual[i] ?? Number.NaN)) <= share * largest);
}

/** Whether these codes are; where a sum differs in its last bits, a code that lies between two moves. */
export function areCodes(actual: Int8Array, expected: Int8Array): boolean {
  return expected.every((code, i) => Math.abs(code - (actual[i] ?? Number.NaN)) <= 1);
}

/** Whether the kernel left this row, as floats or rotated and quantised. */
export async function hasRow(probe: Probe, expected: Float32Array<ArrayBuffer>): Promise<boolean> {
  const width = expected.length;
  if (!probe.has("codes")) return areClose(await probe.floats("output", width), expected);
  const right = rotateQuantizeReference(expected, width);
  const codes = new Int8Array(await probe.read("codes", paddedWidth(width)));
  return areCodes(codes, right.codes) && areClose(await probe.floats("scales", 1), right.scales);
}

interface Heads {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly context: number;
  readonly position: number; // of the row
}

function headsOf(probe: Probe): Heads {
  const context = probe.constant("CONTEXT");
  return {
    heads: probe.constant("HEADS"),
    kvHeads: probe.constant("KV_HEADS"),
    headDim: probe.constant("HEAD_DIM"),
    context,
    position: Math.min(DEPTH, context) - 1,
  };
}

/** Whether a stored head is this vector; `head` among the queries or, with the cache's position, among keys and then values. */
async function hasHead(probe: Probe, binding: "query" | "cache", head: number, expected: Float32Array): Promise<boolean> {
  const { headDim, context, position } = headsOf(probe);
  const slot = binding === "query" ? head : head * context + position;
  if (!probe.has("cache_scales")) return areClose(await probe.floats(binding, headDim, slot * headDim), expected);
  const block = hadamardBlock(headDim);
  const turned = expected.slice();
  hadamard(turned, block);
  const codes = new Int8Array(headDim);
  const scale = quantizeRow(turned, codes, 1 / Math.sqrt(block));
  const stride = headDim + (binding === "query" ? 4 : 0); // a query's scale lies behind it
  const stored = await probe.read(binding, stride, slot * stride);
  const storedScale = binding === "query" ? new Float32Array(stored, headDim) : await probe.floats("cache_scales", 1, slot);
  return areCodes(new Int8Array(stored, 0, headDim), codes) && areClose(storedScale, Float32Array.of(scale));
}

/** What a kv head's keys (0) or values (1) are, [position + 1, headDim], written into the cache. */
function fillHead(probe: Probe, part: 0 | 1, head: number): Float32Array<ArrayBuffer> {
  const { kvHeads, headDim, context, position } = headsOf(probe);
  const slot = (part * kvHeads + head) * context;
  const count = position + 1;
  const codes = randomCodes(count * headDim, 1 + part * kvHeads + head);
  if (probe.has("cache_scales")) {
    probe.write("cache", codes, slot * headDim);
    probe.write("cache_scales", new Float32Array(count).fill(SCALE), slot * 4);
    return Float32Array.from(codes, (code) => code * SCALE);
  }
  const values = Float32Array.from(codes, (code) => code * SCALE);
  probe.write("cache", values, slot * headDim * 4);
  return values;
}

/** A row's query heads, [heads, headDim], written where attention finds them. */
function fillQueries(probe: Probe): Float32Array<ArrayBuffer> {
  const { heads, headDim } = headsOf(probe);
  const codes = randomCodes(heads * headDim, 0xfeed);
  const values = Float32Array.from(codes, (code) => code * SCALE);
  if (!probe.has("cache_scales")) {
    probe.write("query", values);
    return values;
  }
  const stored = new Int8Array(heads * (headDim + 4));
  const scale = new Int8Array(Float32Array.of(SCALE).buffer);
  for (let head = 0; head < heads; head++) {
    stored.set(codes.subarray(head * headDim, (head + 1) * headDim), head * (headDim + 4));
    stored.set(scale, head * (headDim + 4) + headDim);
  }
  probe.write("query", stored);
  return values;
}

/** What lies in `partials` for a row whose last key is at `position`, merged: [heads, headDim]. */
async function merged(probe: Probe, heads: number, position: number): Promise<Float32Array<ArrayBuffer>> {
  const headDim = probe.constant("HEAD_DIM");
  const chunks = Math.floor(position / CHUNK) + 1;
  const entries = chunks <= probe.constant("SPLIT") ? chunks : 1;
  const first = entries === 1 ? 0 : Math.floor(Math.max(0, position + 1 - probe.constant("WINDOW")) / CHUNK);
  const stride = headDim + 4;
  const stored = await probe.floats("partials", heads * entries * stride);
  const rows = Array.from({ length: heads }, (_, head) => {
    const parts = Array.from({ length: entries - first }, (__, i) => {
      const at = (head * entries + first + i) * stride;
      const [top = 0, total = 0] = stored.subarray(at + headDim);
      return { top, total, mixed: Array.from(stored.subarray(at, at + headDim)) };
    });
    return attentionMergeReference(parts);
  });
  return Float32Array.from(rows.flat());
}

export const mixerChecks: Checks = {
  async rope_append(probe) {
    const { heads, kvHeads, headDim, position } = headsOf(probe);
    const pairs = probe.constant("ROTARY_DIM") / 2;
    const input = randomFloats((heads + 2 * kvHeads) * headDim);
    probe.write("input", input);
    await probe.run(position);
    const tableRow = (row: number) => probe.floats("angles", 2 * pairs, row * 2 * pairs);
    const coarse = await tableRow(ANGLE_STEP + Math.floor(position / ANGLE_STEP));
    const angles = ropeTurnsReference(coarse, await tableRow(position % ANGLE_STEP));
    const norms = await probe.floats("norms", probe.constant("NORM") === 1 ? 2 * headDim : 0);
    const turned = (head: number) => {
      const values = input.subarray(head * headDim, (head + 1) * headDim);
      const weight = norms.subarray(head < heads ? 0 : headDim, head < heads ? headDim : 2 * headDim);
      const norm = norms.length > 0 ? { weight, epsilon: Math.fround(probe.constant("EPSILON")) } : null;
      return ropeHeadReference(values, norm, angles);
    };
    const lastValue = input.subarray((heads + 2 * kvHeads - 1) * headDim);
    return (
      (await hasHead(probe, "query", heads - 1, turned(heads - 1))) &&
      (await hasHead(probe, "cache", 0, turned(heads))) &&
      (await hasHead(probe, "cache", 2 * kvHeads - 1, lastValue))
    );
  },
  async attention(probe) {
    const { heads, kvHeads, headDim, position } = headsOf(probe);
    const queries = fillQueries(probe);
    const cached = Array.from({ length: kvHeads }, (_, head) => ({ keys: fillHead(probe, 0, head), values: fillHead(probe, 1, head) }));
    await probe.run(position);
    const seen = Math.max(0, position + 1 - probe.constant("WINDOW")) * headDim;
    const expected = Array.from({ length: heads }, (_, head) => {
      const { keys, values } = cached[Math.floor((head * kvHeads) / heads)] ?? { keys: queries, values: queries };
      const query = queries.subarray(head * headDim, (head + 1) * headDim);
      return Array.from(attentionReference(query, keys.subarray(seen), values.subarray(seen), probe.constant("SCALE")));
    });
    return areClose(await merged(probe, heads, position), Float32Array.from(expected.flat()));
  },
  async attention_merge(probe) {
    const heads = probe.constant("HEADS");
    const stride = probe.constant("HEAD_DIM") + 4;
    const entries = Math.min(2, probe.constant("SPLIT"));
    const position = (entries - 1) * CHUNK + 5;
    const partials = randomFloats(heads * entries * stride).map((x, i) => (i % stride === stride - 3 ? 2 + x : x)); // totals are positive
    probe.write("partials", partials);
    await probe.run(position);
    const expected = await merged(probe, heads, position);
    // An INT8 output is turned back within the heads where keys and values are turned.
    const block = probe.has("codes") ? probe.constant("HEAD_BLOCK") : 1;
    hadamard(expected, block);
    return hasRow(
      probe,
      expected.map((x) => x / Math.sqrt(block)),
    );
  },
  async short_conv(probe) {
    const width = probe.constant("WIDTH");
    const taps = probe.constant("TAPS");
    const input = randomFloats(3 * width);
    const state = randomFloats((taps - 1) * width, 0xbead);
    probe.write("input", input);
    probe.write("state", state);
    await probe.run();
    const expected = shortConvReference(input, await probe.floats("taps", taps * width), await probe.floats("bias", width), state);
    const next = await probe.floats("state", state.length, (taps + 15) * width); // the other slot
    return areClose(next, state) && hasRow(probe, expected);
  },
};
