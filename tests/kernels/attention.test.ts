import { describe, expect, test } from "vitest";
import { Plan } from "../../src/gpu/plan";
import { attentionReference } from "../../src/kernels/attention.reference";
import { type Choices, type DeviceTraits, defaultChoices } from "../../src/kernels/policy";
import { ropeAppend } from "../../src/kernels/rope_append";
import type { CacheType } from "../../src/kernels/tensors";
import { type Lab, randomFloats, traits, useGpu } from "../setup/gpu";
import { AttentionLayer, type LayerShape } from "./attention_layer";

const bench = useGpu();

const { software, gpu: hardware } = traits;

// The largest difference allowed, as a share of the largest value; the reference is given the very numbers that the cache stands for.
const tolerance = 5e-6;

// Grouped and ungrouped queries; a head narrower than a workgroup's share of a chunk, one that 64 is no multiple of, and the widest.
const shapes = [
  { heads: 2, kvHeads: 1, headDim: 64, context: 2112 },
  { heads: 8, kvHeads: 4, headDim: 8, context: 304 },
  { heads: 3, kvHeads: 1, headDim: 24, context: 304 },
  { heads: 2, kvHeads: 2, headDim: 128, context: 304 },
  { heads: 2, kvHeads: 1, headDim: 256, context: 304 },
] as const;

/** Both caches are read by the same walk over chunks, so the second is spared some of the shapes: compiling is most of what a test takes. */
const cacheTypes: readonly { type: CacheType; own: readonly (typeof shapes)[number][] }[] = [
  { type: "int8", own: shapes },
  { type: "f32", own: [shapes[0], shapes[2], shapes[4]] },
];

// Rows of a pass for which the first shape has room for as many partial results as for any smaller pass: one pipeline for all of these tests.
const MOST_ROWS = 272;

function makeLayer(
  lab: Lab,
  type: CacheType,
  shape: Pick<LayerShape, "heads" | "kvHeads" | "headDim" | "context" | "window">,
  rows: number,
): AttentionLayer {
  return new AttentionLayer(lab, { type, ...shape, rotaryDim: shape.headDim, norm: false }, rows);
}

/** Random rows, with queries and keys large enough that attention is far from even. */
function randomRows(layer: AttentionLayer, rows: number, seed: number): Float32Array<ArrayBuffer> {
  const { heads, kvHeads, headDim } = layer.shape;
  const strength = Math.sqrt(12) / headDim ** 0.25;
  return randomFloats(rows * layer.inputWidth, seed).map((x, i) => (i % layer.inputWidth < (heads + kvHeads) * headDim ? x * strength : x));
}

/** Compares a row of the output, [heads, headDim], with the reference at that position. */
async function expectRows(
  layer: AttentionLayer,
  output: Float32Array,
  position: number, // of the pass's first row
  rows: readonly number[], // of the pass
  allowed = tolerance,
): Promise<void> {
  const { heads, kvHeads, headDim, context, window = context } = layer.shape;
  const cached = await layer.cacheValues();
  const attended = layer.turnedBack(output);
  const queries = await layer.queryValues(Math.max(...rows) + 1);
  const slots = (head: number, depth: number) =>
    cached.subarray((head * context + Math.max(0, depth - window)) * headDim, (head * context + depth) * headDim);
  for (const row of rows) {
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor(head / (heads / kvHeads));
      const at = (row * heads + head) * headDim;
      const depth = position + row + 1;
      const expected = attentionReference(
        queries.subarray(at, at + headDim),
        slots(kvHead, depth),
        slots(kvHeads + kvHead, depth),
        1 / Math.sqrt(headDim),
      );
      const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      const worst = expected.reduce((most, x, i) => Math.max(most, Math.abs(x - (attended[at + i] ?? Number.NaN))), 0);
      expect(worst, `row ${row}, head ${head}`).toBeLessThanOrEqual(allowed * largest);
    }
  }
}

describe.each(cacheTypes)("attention over $type", ({ type, own }) => {
  test.each(own)("$heads/$kvHeads heads of $headDim, at depths 1 to 272", (shape) =>
    bench.run(async (lab) => {
      const rows = MOST_ROWS;
      const layer = makeLayer(lab, type, shape, rows);
      const width = shape.heads * shape.headDim;
      const output = lab.output(rows * width * 4);
      const steps = [[ropeAppend("test", layer.append(randomRows(layer, rows, 51)), lab.gpu)], ...layer.attend(output, software, rows)];
      await lab.pass(steps, { rows, headRows: 0 });
      const depths = [1, 2, 64, 127, 128, 129, 257, 272];
      await expectRows(
        layer,
        await lab.floats(output, rows * width),
        0,
        depths.map((depth) => depth - 1),
      );
    }),
  );

  // The heart of the project: what a token gets, bit for bit, must not depend on how many tokens are fed with it.
  test.each([37, 100, 2030])(
    "64 rows from position %i have the same bits in passes of 1 to 64",
    (position) =>
      bench.run(async (lab) => {
        const rows = 64;
        const layer = makeLayer(lab, type, shapes[0], position + rows);
        const input = randomRows(layer, position + rows, 52);
        const before = input.slice(0, position * layer.inputWidth);
        await lab.pass([[ropeAppend("test", layer.append(before), lab.gpu)]], { rows: position, headRows: 0 });

        const together = await inPasses(lab, layer, input, position, 64);
        await expectRows(layer, together, position, [0, 1, 17, 18, 63]);
        const cache = await layer.cacheBytes();
        const passes = [
          [16, software],
          [5, hardware],
          [1, software],
          [2, software],
          [64, hardware],
        ] as const;
        // Far down each takes long, and what is new there are the many chunks.
        for (const [count, device] of passes.slice(0, position > 1000 ? 3 : 5)) {
          layer.forget(position);
          const apart = await inPasses(lab, layer, input, position, count, device);
          expectSameBits(apart, together, `outputs of passes of ${count}`);
          expectSameBits(await layer.cacheBytes(), cache, `cache after passes of ${count}`);
        }
      }),
    180_000, // Some seconds alone, but machines that test may be shared.
  );
});

describe("a window of keys", () => {
  test.each([1, 128])("of %i: what is older is not seen, alone or among others", (window) =>
    bench.run(async (lab) => {
      const position = 250;
      const layer = makeLayer(lab, "int8", { ...shapes[0], context: 320, window }, 64);
      const input = randomRows(layer, position + 64, 55);
      const before = input.slice(0, position * layer.inputWidth);
      await lab.pass([[ropeAppend("test", layer.append(before), lab.gpu)]], { rows: position, headRows: 0 });
      const together = await inPasses(lab, layer, input, position, 64);
      await expectRows(layer, together, position, [0, 5, 6, 7, 40, 63]);
      for (const count of [16, 1]) expectSameBits(await inPasses(lab, layer, input, position, count), together, `passes of ${count}`);
    }),
  );
});

/** Compares bytes, which tells 0 from -0 and is quick for a whole cache. */
function expectSameBits(actual: Uint8Array | Float32Array, expected: Uint8Array | Float32Array, what: string): void {
  const bytes = ({ buffer, byteOffset, byteLength }: Uint8Array | Float32Array) => Buffer.from(buffer, byteOffset, byteLength);
  expect(bytes(actual).equals(bytes(expected)), `${what} are the same`).toBe(true);
}

/** Feeds the 64 rows from `position` on in passes of `count`, the last one smaller where it must be; what comes out, row after row. */
async function inPasses(
  lab: Lab,
  layer: AttentionLayer,
  input: Float32Array<ArrayBuffer>, // of all positions
  position: number,
  count: number,
  device: DeviceTraits = software,
): Promise<Float32Array<ArrayBuffer>> {
  const width = layer.shape.heads * layer.shape.headDim;
  const outputs = new Float32Array(64 * width);
  for (let first = 0; first < 64; first += count) {
    const rows = Math.min(count, 64 - first);
    const part = input.slice((position + first) * layer.inputWidth, (position + first + rows) * layer.inputWidth);
    const output = lab.output(rows * width * 4);
    const steps = [[ropeAppend("test", layer.append(part), lab.gpu)], ...layer.attend(output, device, 64)];
    await lab.pass(steps, { rows, headRows: 0 }, position + first);
    outputs.set(await lab.floats(output, rows * width), first * width);
  }
  return outputs;
}

test("where the grid is not told the position, it covers whatever the shader decides", () =>
  bench.run(async (lab) => {
    const { device, pipelines } = lab.gpu;
    const layer = makeLayer(lab, "int8", shapes[0], 16);
    const width = layer.shape.heads * layer.shape.headDim;
    const [position, rows] = [600, 16];
    const input = randomRows(layer, position + rows, 56);
    await lab.pass([[ropeAppend("test", layer.append(input), lab.gpu)]], { rows: position + rows, headRows: 0 });
    const queries = input.slice(position * layer.inputWidth);
    // Room for all partial results, or for those of three rows, which is enough for sixteen only where they walk.
    for (const most of [16, 3]) {
      const outputs = [lab.output(rows * width * 4), lab.output(rows * width * 4)] as const;
      await lab.pass(
        [[ropeAppend("test", layer.append(queries), lab.gpu)], ...layer.attend(outputs[0], software, most)],
        { rows, headRows: 0 },
        position,
      );
      const plan = await Plan.compile(device, pipelines, layer.attend(outputs[1], software, most));
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      plan.record(pass, { rows, headRows: 0 });
      pass.end();
      device.queue.submit([encoder.finish()]);
      const [told, untold] = [await lab.floats(outputs[0], rows * width), await lab.floats(outputs[1], rows * width)];
      expectSameBits(untold, told, `outputs with room for ${most} rows`);
      await expectRows(layer, untold, position, [0, 7, 15]);
    }
  }));

test("every dot product gives the same bits", () =>
  bench.run(async (lab) => {
    const rows = 70;
    const layer = makeLayer(lab, "int8", shapes[0], rows);
    const width = layer.shape.heads * layer.shape.headDim;
    const append = [ropeAppend("test", layer.append(randomRows(layer, rows, 53)), lab.gpu)];
    const made = async (dot: Choices["dot"]) => {
      const output = lab.output(rows * width * 4);
      const device = { ...software, choices: { ...defaultChoices(software), dot } };
      await lab.pass([append, ...layer.attend(output, device, rows)], { rows, headRows: 0 });
      return lab.floats(output, rows * width);
    };
    const packed = await made("packed");
    for (const dot of ["unpacked", "masked"] as const) expectSameBits(await made(dot), packed, dot);
  }));

test("scores far apart give weights of one and zero, not infinities", () =>
  bench.run(async (lab) => {
    const rows = 70;
    const layer = makeLayer(lab, "f32", shapes[0], rows);
    const width = layer.shape.heads * layer.shape.headDim;
    const { heads, kvHeads, headDim } = layer.shape;
    const input = randomRows(layer, rows, 54).map((x, i) => (i % layer.inputWidth < (heads + kvHeads) * headDim ? x * 1000 : x));
    const output = lab.output(rows * width * 4);
    const steps = [[ropeAppend("test", layer.append(input), lab.gpu)], ...layer.attend(output, software, rows)];
    await lab.pass(steps, { rows, headRows: 0 });
    const actual = await lab.floats(output, rows * width);
    expect(actual.every(Number.isFinite)).toBe(true);
    await expectRows(layer, actual, 0, [0, 20, 63, 64, 69], 1e-5);
  }));

test("heads wider than 256 and query heads that do not divide are refused", () =>
  bench.run(async (lab) => {
    const wide = new AttentionLayer(lab, { type: "f32", heads: 1, kvHeads: 1, headDim: 512, rotaryDim: 2, norm: false, context: 1 }, 1);
    expect(() => wide.attend(lab.output(2048), software, 1)).toThrow("test: heads of 512 are wider than 256");
    const uneven = new AttentionLayer(lab, { type: "f32", heads: 3, kvHeads: 2, headDim: 8, rotaryDim: 2, norm: false, context: 1 }, 1);
    expect(() => uneven.attend(lab.output(96), software, 1)).toThrow("test: query heads a kv head, remainder is 1, expected 0");
  }));
