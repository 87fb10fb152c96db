import { describe, expect, test } from "vitest";
import { ropeAppend } from "../../src/kernels/rope_append";
import { ropeHeadReference } from "../../src/kernels/rope_append.reference";
import type { CacheType } from "../../src/kernels/tensors";
import { hadamard, hadamardBlock } from "../../src/quantize/hadamard";
import { quantizeRow } from "../../src/quantize/int8";
import { randomFloats, traits, useGpu } from "../setup/gpu";
import { AttentionLayer, EPSILON, type LayerShape } from "./attention_layer";

const bench = useGpu();

const CONTEXT = 12;
const UNTOUCHED = 0x5a; // what Lab.output fills buffers with

type Heads = Pick<LayerShape, "heads" | "kvHeads" | "headDim" | "rotaryDim" | "norm"> & { readonly as: keyof typeof traits };

const shapes: readonly Heads[] = [
  { heads: 8, kvHeads: 4, headDim: 8, rotaryDim: 8, norm: false, as: "gpu" },
  { heads: 9, kvHeads: 3, headDim: 8, rotaryDim: 8, norm: true, as: "software" },
  { heads: 4, kvHeads: 2, headDim: 64, rotaryDim: 64, norm: true, as: "gpu" },
  { heads: 4, kvHeads: 2, headDim: 64, rotaryDim: 16, norm: false, as: "software" },
  { heads: 1, kvHeads: 1, headDim: 256, rotaryDim: 256, norm: false, as: "gpu" },
  { heads: 3, kvHeads: 1, headDim: 24, rotaryDim: 16, norm: true, as: "software" },
];

/** Each head of each row as it should be stored, [rows, queries and keys and values, headDim], in f32. */
function expectedHeads(layer: AttentionLayer, input: Float32Array<ArrayBuffer>, position: number): Float32Array<ArrayBuffer> {
  const { heads, kvHeads, headDim, norm } = layer.shape;
  const output = input.slice();
  for (let at = 0; at < input.length / headDim; at++) {
    const head = at % (heads + 2 * kvHeads);
    if (head >= heads + kvHeads) continue; // a value
    const own = position + Math.floor(at / (heads + 2 * kvHeads));
    const angles = Array.from(layer.frequencies, (frequency) => [Math.cos(own * frequency), Math.sin(own * frequency)] as const);
    const weight = layer.norms.subarray(head < heads ? 0 : headDim, head < heads ? headDim : 2 * headDim);
    const x = input.subarray(at * headDim, (at + 1) * headDim);
    output.set(ropeHeadReference(x, norm ? { weight, epsilon: EPSILON } : null, angles), at * headDim);
  }
  return output;
}

/** Rotated codes and scale of a head. */
function quantised(head: Float32Array): { codes: Int8Array; scale: number } {
  const rotated = head.slice();
  const codes = new Int8Array(head.length);
  const block = hadamardBlock(head.length);
  hadamard(rotated, block);
  return { codes, scale: quantizeRow(rotated, codes, 1 / Math.sqrt(block)) };
}

/** Collects how far codes are from the expected ones; a code may be off by one where its value lies on an edge, which is rare. */
class CodeComparison {
  #count = 0;
  #differing = 0;

  add(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
    for (let i = 0; i < expected.length; i++) {
      const apart = Math.abs((actual[i] ?? Number.NaN) - (expected[i] ?? Number.NaN));
      expect(apart).toBeLessThanOrEqual(1);
      this.#differing += apart;
      this.#count++;
    }
  }

  expectRare(): void {
    expect(this.#count).toBeGreaterThan(0);
    expect(this.#differing).toBeLessThanOrEqual(Math.ceil(this.#count / 200));
  }
}

describe.each(["int8", "f32"] as const)("rope_append into %s", (type: CacheType) => {
  test.each(shapes)("$heads/$kvHeads heads of $headDim, $rotaryDim turned, norm $norm, as for $as", (heads) =>
    bench.run(async (lab) => {
      const { kvHeads, headDim } = heads;
      const [rows, position] = [3, 5];
      const layer = new AttentionLayer(lab, { type, context: CONTEXT, ...heads }, rows);
      const input = randomFloats(rows * layer.inputWidth, 42);
      input.fill(0, layer.inputWidth - headDim, layer.inputWidth); // a value of zeros
      await lab.pass([[ropeAppend("test", layer.append(input), traits[heads.as])]], { rows, headRows: 0 }, position);

      const expected = expectedHeads(layer, input, position);
      const perRow = heads.heads + 2 * kvHeads;
      const head = (row: number, index: number) =>
        expected.subarray((row * perRow + index) * headDim, (row * perRow + index + 1) * headDim);
      const entries = await lab.read(layer.cache.entries);
      const scales = layer.cache.scales ? await lab.read(layer.cache.scales) : null;
      const queries = type === "int8" ? null : await layer.queryValues(rows);
      const queryCodes = type === "int8" ? await layer.queryCodes(rows) : null;
      const comparison = new CodeComparison();
      const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      const expectClose = (actual: Float32Array, wanted: Float32Array) => {
        actual.forEach((x, i) => {
          expect(Math.abs(x - (wanted[i] ?? Number.NaN))).toBeLessThanOrEqual(1e-6 * largest);
        });
      };
      const expectInt8 = (codes: Int8Array, scale: number | undefined, wanted: Float32Array) => {
        const { codes: wantedCodes, scale: wantedScale } = quantised(wanted);
        comparison.add(codes, wantedCodes);
        expect(Math.abs((scale ?? Number.NaN) / wantedScale - 1)).toBeLessThanOrEqual(1e-5);
        // Invariants that hold exactly: the largest code is 127, but for zeros.
        expect(Math.max(...codes.map(Math.abs))).toBe(wanted.some((x) => x !== 0) ? 127 : 0);
      };

      for (let row = 0; row < rows; row++) {
        for (let query = 0; query < heads.heads; query++) {
          const at = (row * heads.heads + query) * headDim;
          if (queries) expectClose(queries.subarray(at, at + headDim), head(row, query));
          if (queryCodes) expectInt8(queryCodes.codes.subarray(at, at + headDim), queryCodes.scales[at / headDim], head(row, query));
        }
      }
      for (let slot = 0; slot < 2 * kvHeads * CONTEXT; slot++) {
        const row = (slot % CONTEXT) - position;
        const bytes = entries.byteLength / (2 * kvHeads * CONTEXT);
        if (row < 0 || row >= rows) {
          expect(new Uint8Array(entries, slot * bytes, bytes).every((byte) => byte === UNTOUCHED)).toBe(true);
          if (scales) expect(new Uint8Array(scales, slot * 4, 4)).toEqual(new Uint8Array(4).fill(UNTOUCHED));
          continue;
        }
        const index = Math.floor(slot / CONTEXT);
        const wanted = head(row, heads.heads + index);
        const exact = index >= kvHeads; // values are stored as they come
        switch (type) {
          case "int8":
            expectInt8(new Int8Array(entries, slot * bytes, headDim), new Float32Array(scales ?? entries, slot * 4, 1)[0], wanted);
            break;
          case "f32": {
            const values = new Float32Array(entries, slot * bytes, headDim);
            if (exact) expect(values).toEqual(wanted);
            else expectClose(values, wanted);
            break;
          }
          default:
            throw new Error(type satisfies never);
        }
      }
      if (type === "int8") {
        comparison.expectRare();
        const zeros = (kvHeads * 2 - 1) * CONTEXT + position;
        expect(new Float32Array(scales ?? entries, zeros * 4, 1)[0]).toBe(1);
      }
    }),
  );
});

// A pair (1, 0) becomes its cosine and sine.
test("up to position 131,072 cosines and sines are those of f64, as near as f32 comes", () =>
  bench.run(async (lab) => {
    const rows = 16;
    const context = 131_072;
    const shape = { type: "f32", heads: 1, kvHeads: 1, headDim: 8, rotaryDim: 8, norm: false, context } as const;
    const layer = new AttentionLayer(lab, shape, rows);
    const input = Float32Array.from({ length: rows * layer.inputWidth }, (_, i) => Number(i % 8 < 4));
    const step = layer.append(input);
    let [most, inF32] = [0, 0];
    // Before and behind whole steps of the table, and at its end.
    for (const position of [0, 120, 4088, 65_528, 100_000, context - rows]) {
      await lab.pass([[ropeAppend("test", step, lab.gpu)]], { rows, headRows: 0 }, position);
      const values = await layer.queryValues(rows);
      for (let row = 0; row < rows; row++) {
        for (const [pair, frequency] of layer.frequencies.entries()) {
          const angle = (position + row) * frequency;
          const off = (at: number, right: number) => Math.abs((values[row * 8 + at] ?? Number.NaN) - right);
          most = Math.max(most, off(pair, Math.cos(angle)), off(pair + 4, Math.sin(angle)));
          inF32 = Math.max(inF32, Math.abs(Math.cos(Math.fround(angle)) - Math.cos(angle)));
        }
      }
    }
    expect(most).toBeLessThanOrEqual(1.5 * 2 ** -23);
    expect(inF32).toBeGreaterThan(2 ** -12); // what angles rounded to f32 would cost
  }));
