// Attention at the head widths and sharings of queries that models have, with windows and trees, as one device and the other runs it.
import { expect, test } from "vitest";
import { attentionReference } from "../../src/kernels/attention.reference";
import { type Tree, treePaths } from "../../src/kernels/batch";
import type { DeviceTraits } from "../../src/kernels/policy";
import { ropeAppend } from "../../src/kernels/rope_append";
import { type Lab, randomFloats, traits, useGpu } from "../setup/gpu";
import { AttentionLayer } from "./attention_layer";

const bench = useGpu();
const devices = { software: traits.software, hardware: traits.gpu };
const [CONTEXT, POSITION, ROWS, ROOT] = [320, 235, 64, 250];
const TOLERANCE = 6e-6; // of the largest value
const parents = [0, 0, 0, 1, 1, 3, 3, 5, 6, 8, 9, 2, 11, 11, 13, 14];

const LEAVES = [10, 15]; // of the tree, on two of its branches

const shapes = [
  { type: "int8", heads: 4, kvHeads: 1, headDim: 64, device: "hardware", window: undefined },
  { type: "int8", heads: 7, kvHeads: 1, headDim: 64, device: "hardware", window: 100 },
  { type: "int8", heads: 8, kvHeads: 1, headDim: 96, device: "software", window: 130 },
  { type: "int8", heads: 14, kvHeads: 2, headDim: 80, device: "hardware", window: 130 },
  { type: "int8", heads: 5, kvHeads: 5, headDim: 4, device: "software", window: undefined },
  { type: "int8", heads: 8, kvHeads: 1, headDim: 256, device: "hardware", window: 100 },
  { type: "int8", heads: 1, kvHeads: 1, headDim: 12, device: "software", window: 100 },
  { type: "f32", heads: 7, kvHeads: 1, headDim: 64, device: "hardware", window: 130 },
  { type: "f32", heads: 2, kvHeads: 1, headDim: 12, device: "software", window: undefined },
] as const;

/** Passes of the 64 rows: how many, from which on. The 21st is the last that ends in the second chunk of keys. */
const passes = [
  [1, 0],
  [1, 20],
  [1, 21],
  [5, 18],
  [16, 8],
] as const;

async function run(
  lab: Lab,
  layer: AttentionLayer,
  input: Float32Array<ArrayBuffer>, // of the pass's rows
  position: number,
  device: DeviceTraits,
  tree?: Tree,
  most = ROWS, // rows that there is room for partial results of
): Promise<Float32Array<ArrayBuffer>> {
  const rows = input.length / layer.inputWidth;
  const width = layer.shape.heads * layer.shape.headDim;
  const output = lab.output(rows * width * 4);
  const steps = [[ropeAppend("test", layer.append(input), lab.gpu)], ...layer.attend(output, device, most)];
  await lab.pass(steps, { rows, headRows: 0, ...(tree && { tree }) }, position);
  return lab.floats(output, rows * width);
}

function expectSameBits(actual: Float32Array, expected: Float32Array, what: string): void {
  const bytes = ({ buffer, byteOffset, byteLength }: Float32Array) => Buffer.from(buffer, byteOffset, byteLength);
  expect(bytes(actual).equals(bytes(expected)), `${what} are the same`).toBe(true);
}

/** Some rows of the last pass, all 64 from POSITION on, against the reference. */
async function expectRight(layer: AttentionLayer, output: Float32Array): Promise<void> {
  const { heads, kvHeads, headDim, window = CONTEXT } = layer.shape;
  const cached = await layer.cacheValues();
  const queries = await layer.queryValues(ROWS);
  const turned = layer.turnedBack(output);
  for (const row of [0, 20, 21, 63]) {
    const depth = POSITION + row + 1;
    const from = Math.max(0, depth - window);
    const slots = (head: number) => cached.subarray((head * CONTEXT + from) * headDim, (head * CONTEXT + depth) * headDim);
    for (let head = 0; head < heads; head++) {
      const at = (row * heads + head) * headDim;
      const kvHead = Math.floor(head / (heads / kvHeads));
      const query = queries.subarray(at, at + headDim);
      const expected = attentionReference(query, slots(kvHead), slots(kvHeads + kvHead), 1 / Math.sqrt(headDim));
      const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      const worst = expected.reduce((most, x, i) => Math.max(most, Math.abs(x - (turned[at + i] ?? Number.NaN))), 0);
      expect(worst, `row ${row}, head ${head}`).toBeLessThanOrEqual(TOLERANCE * largest);
    }
  }
}

test.each(shapes)(
  "over $type, $heads/$kvHeads heads of $headDim on $device, window $window: one row, a few, many and a tree's paths have the same bits",
  ({ device: kind, window, ...shape }) =>
    bench.run(async (lab) => {
      const device = devices[kind];
      const width = shape.heads * shape.headDim;
      const common = { ...shape, rotaryDim: shape.headDim, norm: false, context: CONTEXT };
      const layer = new AttentionLayer(lab, { ...common, ...(window && { window }) }, POSITION);
      const input = randomFloats((POSITION + ROWS) * layer.inputWidth, 5).map((x) => x * 2);
      const part = (from: number, to: number) => input.slice(from * layer.inputWidth, to * layer.inputWidth);
      await lab.pass([[ropeAppend("test", layer.append(part(0, POSITION)), lab.gpu)]], { rows: POSITION, headRows: 0 });
      const together = await run(lab, layer, part(POSITION, POSITION + ROWS), POSITION, device);
      await expectRight(layer, together);
      for (const [count, at] of passes) {
        const apart = await run(lab, layer, part(POSITION + at, POSITION + at + count), POSITION + at, device);
        expectSameBits(apart, together.slice(at * width, (at + count) * width), `${count} rows at ${at}`);
      }

      const rows = part(ROOT, ROOT + parents.length);
      const row = (all: Float32Array<ArrayBuffer>, index: number, size: number) => all.slice(index * size, (index + 1) * size);
      // With room for what each chunk gives to sixteen rows, and for so little that they walk the chunks.
      const split = await run(lab, layer, rows, ROOT, device, { parents });
      const walked = await run(lab, layer, rows, ROOT, device, { parents }, 6);
      expectSameBits(walked, split, "a tree's rows, split and walked,");
      for (const path of LEAVES.map((leaf) => treePaths({ parents })[leaf]!)) {
        for (const [depth, node] of path.entries()) {
          const plain = await run(lab, layer, row(rows, node, layer.inputWidth), ROOT + depth, device);
          expectSameBits(row(split, node, width), plain, `node ${node} and its row alone`);
        }
      }
    }),
);
