// What stands before and behind attention, against the plain way: a thread for each head, or a dispatch for each row that moves.
import { test } from "vitest";
import { partialsBytes } from "../../src/kernels/attention";
import { attentionMerge } from "../../src/kernels/attention_merge";
import { MAX_TREE_ROWS } from "../../src/kernels/batch";
import { kvCommit } from "../../src/kernels/kv_commit";
import { ropeAppend } from "../../src/kernels/rope_append";
import { rotateQuantize } from "../../src/kernels/rotate_quantize";
import { queryBytes } from "../../src/kernels/tensors";
import { AttentionLayer, EPSILON } from "../kernels/attention_layer";
import { floatRows, int8Rows } from "../kernels/rows";
import { randomFloats, useGpu } from "../setup/gpu";
import { compare } from "./compare";
import { expectSameCodes, plainly, wayOf, waysByThreads } from "./passes";

const bench = useGpu();
// Of LFM2.5-350M.
const WIDTH = 1024;
const [HEADS, KV_HEADS, HEAD_DIM] = [16, 8, 64];
const CONTEXT = 8704;

const hadamardHead = `
fn hadamard(x: ptr<function, array<f32, 64>>) {
  for (var half = 1u; half < 64u; half *= 2u) {
    for (var t = 0u; t < 32u; t++) {
      let i = t / half * 2u * half + t % half;
      let a = (*x)[i];
      let b = (*x)[i + half];
      (*x)[i] = a + b;
      (*x)[i + half] = a - b;
    }
  }
}
`;

const ropeCode = `${hadamardHead}
override ROWS: u32;
override POSITION: u32;
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read> norms: array<f32>;
@group(0) @binding(2) var<storage, read> angles: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> query: array<u32>;
@group(0) @binding(4) var<storage, read_write> cache: array<u32>;
@group(0) @binding(5) var<storage, read_write> cache_scales: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let row = id.x / 32u;
  let head = id.x % 32u;
  if (row >= ROWS) {
    return;
  }
  var x = array<f32, 64>();
  var squares = 0.0;
  for (var i = 0u; i < 64u; i++) {
    x[i] = input[id.x * 64u + i];
    squares += x[i] * x[i];
  }
  if (head < 24u) {
    let inverse_rms = inverseSqrt(squares / 64.0 + ${EPSILON});
    for (var i = 0u; i < 32u; i++) {
      let first = select(64u, 0u, head < 16u) + i;
      let a = x[i] * inverse_rms * norms[first];
      let b = x[i + 32u] * inverse_rms * norms[first + 32u];
      let angle = angles[(POSITION + row) * 32u + i];
      x[i] = a * angle.x - b * angle.y;
      x[i + 32u] = b * angle.x + a * angle.y;
    }
  }
  hadamard(&x);
  var largest = 0.0;
  for (var i = 0u; i < 64u; i++) {
    largest = max(largest, abs(x[i]));
  }
  let slot = (head - 16u) * ${CONTEXT}u + POSITION + row;
  for (var word = 0u; word < 16u; word++) {
    var codes = 0u;
    for (var i = 0u; i < 4u; i++) {
      let y = x[word * 4u + i] * 127.0 / largest;
      codes |= (u32(i32(sign(y) * floor(abs(y) + 0.5))) & 255u) << (8u * i);
    }
    if (head < 16u) {
      query[(row * 16u + head) * 17u + word] = codes;
    } else {
      cache[slot * 16u + word] = codes;
    }
  }
  let scale = largest / 8.0 / 127.0;
  if (head < 16u) {
    query[(row * 16u + head) * 17u + 16u] = bitcast<u32>(scale);
  } else {
    cache_scales[slot] = scale;
  }
}
`;

const moveCode = `
override FROM: u32;
override TO: u32;
@group(0) @binding(0) var<storage, read_write> cache: array<u32>;
@group(0) @binding(1) var<storage, read_write> cache_scales: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let head = id.x / 16u;
  let word = id.x % 16u;
  if (head >= 16u) {
    return;
  }
  cache[(head * ${CONTEXT}u + TO) * 16u + word] = cache[(head * ${CONTEXT}u + FROM) * 16u + word];
  if (word == 0u) {
    cache_scales[head * ${CONTEXT}u + TO] = cache_scales[head * ${CONTEXT}u + FROM];
  }
}
`;

const mergeCode = `${hadamardHead}
override ROWS: u32;
override POSITION: u32;
override ENTRIES: u32;
@group(0) @binding(0) var<storage, read> partials: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let row = id.x / 16u;
  if (row >= ROWS) {
    return;
  }
  var sum = array<f32, 64>();
  var top = -3.0e38;
  var total = 0.0;
  let chunks = min(ENTRIES, (POSITION + row) / 128u + 1u);
  for (var chunk = 0u; chunk < chunks; chunk++) {
    let at = (id.x * ENTRIES + chunk) * 68u;
    let new_top = max(top, partials[at + 64u]);
    let keep = exp(top - new_top);
    let take = exp(partials[at + 64u] - new_top);
    for (var i = 0u; i < 64u; i++) {
      sum[i] = sum[i] * keep + partials[at + i] * take;
    }
    total = total * keep + partials[at + 65u] * take;
    top = new_top;
  }
  hadamard(&sum);
  for (var i = 0u; i < 64u; i++) {
    output[id.x * 64u + i] = sum[i] / total / 8.0;
  }
}
`;

/** Of every position: [CONTEXT, pairs, cosine and sine]. */
function plainAngles(frequencies: Float32Array): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: CONTEXT * frequencies.length * 2 }, (_, at) => {
    const pair = Math.floor(at / 2);
    const angle = Math.floor(pair / frequencies.length) * (frequencies[pair % frequencies.length] ?? 0);
    return at % 2 === 0 ? Math.cos(angle) : Math.sin(angle);
  });
}

test("rope_append", () =>
  bench.run(async (lab) => {
    for (const [rows, position] of [
      [1, 1000],
      [8, 1000],
      [64, 0],
    ] as const) {
      const shape = { type: "int8", heads: HEADS, kvHeads: KV_HEADS, headDim: HEAD_DIM, rotaryDim: HEAD_DIM, norm: true } as const;
      const layer = new AttentionLayer(lab, { ...shape, context: CONTEXT }, rows);
      const step = layer.append(randomFloats(rows * layer.inputWidth, 1));
      const bytes = rows * HEADS * queryBytes("int8", HEAD_DIM);
      const { cache } = layer;
      const [query, cacheBytes, scaleBytes] = [lab.output(bytes), lab.output(cache.entries.size), lab.output(cache.entries.size / 16)];
      const bindings = { input: step.input.values, norms: step.norms, angles: lab.upload(plainAngles(layer.frequencies)) };
      const plain = { ...bindings, query, cache: cacheBytes, cache_scales: scaleBytes };
      const threads = rows * (HEADS + 2 * KV_HEADS);
      const pass = { rows, headRows: 0, position };
      await compare(`rope_append: ${rows} rows at ${position}, on ${lab.gpu.name}`, [
        await wayOf(lab, "a thread a head", [[plainly("plain", ropeCode, threads, plain, { ROWS: rows, POSITION: position })]], pass),
        ...(await waysByThreads(lab, "rope_append", (device) => ropeAppend("ours", step, device), pass)),
      ]);
      await expectSameCodes(lab, cache.entries, cacheBytes, cache.entries.size);
    }
  }));

test("kv_commit", () =>
  bench.run(async (lab) => {
    const slots = 2 * KV_HEADS * CONTEXT;
    const codes = Int8Array.from(randomFloats(slots * HEAD_DIM, 2), (x) => x * 127);
    const caches = [0, 1].map(() => ({
      ...({ type: "int8", kvHeads: KV_HEADS, headDim: HEAD_DIM, context: CONTEXT } as const),
      entries: lab.upload(codes),
      scales: lab.upload(randomFloats(slots, 3)),
    }));
    const [ours, plain] = caches;
    if (!ours || !plain) throw new Error("two caches are made");
    const accepted = [0, 2, 3, 7, 8, 15];
    const root = 1000;
    const moves = accepted.slice(1).map((row, i) => ({ FROM: root + row, TO: root + i + 1 }));
    const bindings = { cache: plain.entries, cache_scales: plain.scales };
    const pass = { rows: 1, headRows: 0, position: root + accepted.length, accepted };
    await compare(`kv_commit: ${moves.length} rows of ${2 * KV_HEADS} heads, on ${lab.gpu.name}`, [
      await wayOf(
        lab,
        "a dispatch a row",
        moves.map((move) => [plainly("move", moveCode, 2 * KV_HEADS * 16, bindings, move)]),
        pass,
      ),
      await wayOf(lab, "kv_commit", [[kvCommit("ours", { batch: lab.batch, cache: ours })]], pass),
    ]);
    await expectSameCodes(lab, ours.entries, plain.entries, codes.length);
  }));

test("attention_merge", () =>
  bench.run(async (lab) => {
    const cache = {
      type: "int8",
      kvHeads: KV_HEADS,
      headDim: HEAD_DIM,
      context: CONTEXT,
      entries: lab.output(4),
      scales: lab.output(4),
    } as const;
    for (const [rows, position] of [
      [1, 1023],
      [1, 8191],
      [16, 1023],
      [64, 1023],
    ] as const) {
      const stored = randomFloats(partialsBytes(HEADS, cache, rows) / 4, 4).map((x, i) => (i % 68 === 65 ? 1 + Math.abs(x) : x));
      const partials = lab.upload(stored);
      const entries = rows <= MAX_TREE_ROWS ? Math.ceil((position + rows) / 128) : 1;
      const [output, plain] = [int8Rows(lab, rows, WIDTH), int8Rows(lab, rows, WIDTH)];
      const input = floatRows(lab, rows, WIDTH);
      const constants = { ROWS: rows, POSITION: position, ENTRIES: entries };
      const pass = { rows, headRows: 0, position };
      await compare(`attention_merge: ${rows} rows, ${entries} chunks, on ${lab.gpu.name}`, [
        await wayOf(
          lab,
          "a thread a head, then rotate_quantize",
          [
            [plainly("merge", mergeCode, rows * HEADS, { partials, output: input.values }, constants)],
            [rotateQuantize("rotate", { input, output: plain }, lab.gpu)],
          ],
          pass,
        ),
        await wayOf(
          lab,
          "attention_merge",
          [[attentionMerge("ours", { batch: lab.batch, partials, heads: HEADS, cache, output }, lab.gpu)]],
          pass,
        ),
      ]);
      await expectSameCodes(lab, output.codes, plain.codes, rows * WIDTH);
    }
  }));
