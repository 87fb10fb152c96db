// Attention over an INT8 cache, up to rows that may enter the output projection: against a thread a query and head that goes over its keys,
// with a kernel behind it to rotate and quantise.
import { test } from "vitest";
import { attention, partialsBytes } from "../../src/kernels/attention";
import { attentionMerge } from "../../src/kernels/attention_merge";
import { rotateQuantize } from "../../src/kernels/rotate_quantize";
import { queryBytes } from "../../src/kernels/tensors";
import { int8Rows } from "../kernels/rows";
import { randomFloats, useGpu } from "../setup/gpu";
import { compare } from "./compare";
import { plainly, wayOf } from "./passes";

const bench = useGpu();
const shape = { heads: 16, kvHeads: 8, headDim: 64, context: 8704 }; // of LFM2.5-350M
const MAX_ROWS = 256;

const plainCode = `
override POSITION: u32;
override ROWS: u32;
@group(0) @binding(0) var<storage, read> query: array<u32>;
@group(0) @binding(1) var<storage, read> cache: array<u32>;
@group(0) @binding(2) var<storage, read> cache_scales: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

fn unpack(word: u32) -> vec4<f32> {
  return vec4<f32>(vec4<i32>(vec4<u32>(word << 24u, word << 16u, word << 8u, word)) >> vec4<u32>(24u));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let row = id.x / 16u;
  if (row >= ROWS) {
    return;
  }
  let kv_head = id.x % 16u / 2u;
  var mixed = array<vec4<f32>, 16>();
  var top = -3.0e38;
  var total = 0.0;
  for (var position = 0u; position <= POSITION + row; position++) {
    let key = kv_head * ${shape.context}u + position;
    let value = key + 8u * ${shape.context}u;
    var s = 0.0;
    for (var i = 0u; i < 16u; i++) {
      s += dot(unpack(query[id.x * 17u + i]), unpack(cache[key * 16u + i]));
    }
    s *= bitcast<f32>(query[id.x * 17u + 16u]) * cache_scales[key] * 0.125;
    let new_top = max(top, s);
    let keep = exp(top - new_top);
    let weight = exp(s - new_top);
    total = total * keep + weight;
    for (var i = 0u; i < 16u; i++) {
      mixed[i] = mixed[i] * keep + unpack(cache[value * 16u + i]) * (weight * cache_scales[value]);
    }
    top = new_top;
  }
  for (var i = 0u; i < 64u; i++) {
    output[id.x * 64u + i] = mixed[i / 4u][i % 4u] / total;
  }
}
`;

test("attention", () =>
  bench.run(async (lab) => {
    const { heads, kvHeads, headDim, context } = shape;
    const width = heads * headDim;
    const slots = 2 * kvHeads * context;
    const entries = lab.upload(Int8Array.from(randomFloats(slots * headDim, 1), (x) => x * 127));
    const scales = lab.upload(randomFloats(slots, 2).map((x) => 0.01 + Math.abs(x) / 100));
    const cache = { type: "int8", kvHeads, headDim, context, entries, scales } as const;
    const stored = Int8Array.from(randomFloats(MAX_ROWS * heads * queryBytes("int8", headDim), 3), (x) => x * 127);
    const query = lab.upload(stored.map((code, i) => (i % (headDim + 4) < headDim ? code : ([0, 0, 0x20, 0x3c][i % 4] ?? 0)))); // scales of 0.0098
    const partials = lab.output(partialsBytes(heads, cache, MAX_ROWS));
    const output = int8Rows(lab, MAX_ROWS, width);
    const attended = { kind: "float", width, values: lab.output(MAX_ROWS * width * 4) } as const;
    const bindings = { query, cache: entries, cache_scales: scales, output: attended.values };
    const plain = (rows: number, position: number) =>
      plainly("plain", plainCode, rows * heads, bindings, { POSITION: position, ROWS: rows });
    const rotate = rotateQuantize("rotate", { input: attended, output }, lab.gpu);
    for (const [rows, position] of [
      [1, 127],
      [1, 1023],
      [1, 8191],
      [8, 1023],
      [16, 1023],
      [lab.gpu.software ? 64 : MAX_ROWS, 0],
      [lab.gpu.software ? 64 : MAX_ROWS, 1024],
    ] as const) {
      const pass = { rows, headRows: 0, position };
      await compare(`${rows} rows at ${position}, ${heads}/${kvHeads} heads of ${headDim}, on ${lab.gpu.name}`, [
        await wayOf(lab, "a thread a query and head, then rotate_quantize", [[plain(rows, position)], [rotate]], pass),
        await wayOf(
          lab,
          "attention, attention_merge",
          [
            [attention("attention", { batch: lab.batch, queries: { heads, buffer: query }, cache, scale: 0.125, partials }, lab.gpu)],
            [attentionMerge("merge", { batch: lab.batch, partials, heads, cache, output }, lab.gpu)],
          ],
          pass,
        ),
      ]);
    }
  }));
