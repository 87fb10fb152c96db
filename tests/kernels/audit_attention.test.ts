// Attention at the head widths, sharings and windows of real models; trees with windows.
import { describe, expect, test } from "vitest";
import { attentionReference } from "../../src/kernels/attention.reference";
import { type Tree, treePaths } from "../../src/kernels/batch";
import type { DeviceTraits } from "../../src/kernels/policy";
import { ropeAppend } from "../../src/kernels/rope_append";
import { type Lab, randomFloats, useGpu } from "../setup/gpu";
import { AttentionLayer } from "./attention_layer";

const bench = useGpu();
const software = { packedDot: true, software: true } as const;
const hardware = { packedDot: true, software: false } as const;

async function run(
  lab: Lab,
  layer: AttentionLayer,
  input: Float32Array<ArrayBuffer>,
  position: number,
  device: DeviceTraits,
  tree?: Tree,
  most = 64,
) {
  const rows = input.length / layer.inputWidth;
  const width = layer.shape.heads * layer.shape.headDim;
  const output = lab.output(rows * width * 4);
  await lab.pass(
    [[ropeAppend("test", layer.append(input))], ...layer.attend(output, device, most)],
    { rows, headRows: 0, ...(tree && { tree }) },
    position,
  );
  return lab.floats(output, rows * width);
}
const same = (a: Float32Array, b: Float32Array, what: string) => {
  const u = new Uint32Array(a.slice().buffer);
  const v = new Uint32Array(b.slice().buffer);
  const off = u.findIndex((x, i) => x !== v[i]);
  expect(off, what).toBe(-1);
};

const shapes = [
  { heads: 4, kvHeads: 1, headDim: 64 },
  { heads: 7, kvHeads: 1, headDim: 64 },
  { heads: 8, kvHeads: 1, headDim: 96 },
  { heads: 3, kvHeads: 1, headDim: 80 },
  { heads: 14, kvHeads: 2, headDim: 80 },
  { heads: 5, kvHeads: 5, headDim: 4 },
  { heads: 8, kvHeads: 1, headDim: 256 },
  { heads: 1, kvHeads: 1, headDim: 12 },
];

describe.each(["int8", "f32"] as const)("%s", (type) => {
  test.each(shapes)(
    "$heads/$kvHeads of $headDim",
    (shape) =>
      bench.run(async (lab) => {
        for (const window of [undefined, 100, 130]) {
          for (const device of [software, hardware]) {
            const position = 235;
            const layer = new AttentionLayer(
              lab,
              { type, ...shape, rotaryDim: shape.headDim, norm: false, context: 320, ...(window && { window }) },
              256,
            );
            const input = randomFloats((position + 64) * layer.inputWidth, 5).map((x) => x * 2);
            const part = (a: number, b: number) => input.slice(a * layer.inputWidth, b * layer.inputWidth);
            await lab.pass([[ropeAppend("test", layer.append(part(0, position)))]], { rows: position, headRows: 0 });
            const width = shape.heads * shape.headDim;
            const together = await run(lab, layer, part(position, position + 64), position, device);
            for (const count of [1, 5, 16]) {
              for (let at = 0; at < 64; at += count) {
                const n = Math.min(count, 64 - at);
                if (count === 1 && at > 24) break;
                const out = await run(lab, layer, part(position + at, position + at + n), position + at, device);
                same(out, together.slice(at * width, (at + n) * width), `w ${window} ${JSON.stringify(device)} ${n} at ${at}`);
              }
            }
            // reference, last row
            if (device === software) {
              await run(lab, layer, part(position, position + 64), position, device);
              const cached = await layer.cacheValues();
              const queries = await layer.queryValues(64);
              const turned = layer.turnedBack(together);
              for (const row of [0, 20, 21, 63])
                for (let head = 0; head < shape.heads; head++) {
                  const kv = Math.floor(head / (shape.heads / shape.kvHeads));
                  const depth = position + row + 1;
                  const from = Math.max(0, depth - (window ?? 1e9));
                  const slots = (h: number) => cached.subarray((h * 320 + from) * shape.headDim, (h * 320 + depth) * shape.headDim);
                  const at = (row * shape.heads + head) * shape.headDim;
                  const right = attentionReference(
                    queries.subarray(at, at + shape.headDim),
                    slots(kv),
                    slots(shape.kvHeads + kv),
                    1 / Math.sqrt(shape.headDim),
                  );
                  const top = right.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
                  right.forEach((x, i) => expect(Math.abs(x - (turned[at + i] ?? NaN))).toBeLessThanOrEqual(6e-6 * top));
                }
            }
            // tree
            const parents = [0, 0, 0, 1, 1, 3, 3, 5, 6, 8, 9, 2, 11, 11, 13, 14];
            const root = 250;
            const rows = part(root, root + 16);
            await run(lab, layer, part(position, root), position, device);
            for (const most of [64, 6]) {
              const nodes = await run(lab, layer, rows, root, device, { parents }, most);
              for (const path of treePaths({ parents }).filter((p) => [10, 7, 15, 12, 4].includes(p.at(-1)!))) {
                for (const [depth, row] of path.entries()) {
                  const plain = await run(
                    lab,
                    layer,
                    rows.slice(row * layer.inputWidth, (row + 1) * layer.inputWidth),
                    root + depth,
                    device,
                  );
                  same(nodes.slice(row * width, (row + 1) * width), plain, `tree w ${window} row ${row} most ${most}`);
                }
              }
            }
          }
        }
      }),
    300000,
  );
});
