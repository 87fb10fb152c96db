// Causal attention of one query head and row a workgroup, over chunks of 64 keys at absolute positions, merged in ascending order: what a
// query gets depends on its position alone, not on how many queries run beside it. Softmax by running maxima (Milakov & Gimelshein 2018).
override HEADS: u32;
override KV_HEADS: u32;
override HEAD_DIM: u32; // the workspace holds one head
override CONTEXT: u32; // positions the cache has room for
override SCALE: f32; // of the scores

@group(0) @binding(4) var<storage, read_write> output: array<f32>; // [rows, HEADS, HEAD_DIM]

const LOWEST = -3.0e38; // stands for minus infinity, which WGSL does not promise
// Where in the cache the key at a position lies, as a row sees it: a tree's keys lie in the order of its rows.
fn slot_of(row: u32, position: u32) -> u32 {
  if (position < batch.position) {
    return position;
  }
  return batch.position + ancestor(row, position - batch.position);
}

var<workgroup> weights: array<f32, 64>; // of the chunk's keys, times their values' scale
var<workgroup> sums: array<vec4<f32>, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let head = group.x;
  let row = group.y;
  let position = batch.position + depth_of(row);
  let kv_head = head / (HEADS / KV_HEADS);
  let first_key = kv_head * CONTEXT;
  let first_value = (KV_HEADS + kv_head) * CONTEXT;
  // Each thread sums four dimensions over every `parts`-th value of a chunk.
  let vecs = HEAD_DIM / 4u;
  let parts = 64u / vecs;
  let vec = lane % vecs;
  let part = lane / vecs;

  var top = LOWEST;
  var total = 0.0;
  var mixed = vec4<f32>();
  for (var start = 0u; start <= position; start += 64u) {
    let seen = min(position + 1u - start, 64u);
    var s = LOWEST;
    if (lane < seen) {
      s = score(row * HEADS + head, first_key + slot_of(row, start + lane)) * SCALE;
    }
    let chunk_top = reduce_max(s, lane);
    var weight = 0.0;
    if (lane < seen) {
      weight = exp(s - chunk_top);
      weights[lane] = weight * value_scale(first_value + slot_of(row, start + lane));
    }
    let chunk_total = reduce_sum(weight, lane);
    var sum = vec4<f32>();
    if (part < parts) {
      for (var key = part; key < seen; key += parts) {
        sum = fma(vec4<f32>(weights[key]), value4(first_value + slot_of(row, start + key), vec), sum);
      }
    }
    sums[lane] = sum;
    workgroupBarrier();
    var chunk_mixed = sums[vec];
    for (var i = 1u; i < parts; i++) {
      chunk_mixed += sums[i * vecs + vec];
    }
    let new_top = max(top, chunk_top);
    let keep = vec4<f32>(exp(top - new_top));
    let take = vec4<f32>(exp(chunk_top - new_top));
    mixed = fma(mixed, keep, chunk_mixed * take);
    total = fma(total, keep.x, chunk_total * take.x);
    top = new_top;
  }

  if (lane < vecs) {
    let result = mixed / total;
    for (var i = 0u; i < 4u; i++) {
      workspace[place(lane * 4u + i)] = result[i];
    }
  }
  workgroupBarrier();
  var scale = 1.0;
  if (ROTATED) {
    hadamard(lane);
    scale = inverseSqrt(f32(BLOCK));
  }
  for (var i = lane; i < HEAD_DIM; i += 64u) {
    output[(row * HEADS + head) * HEAD_DIM + i] = workspace[place(i)] * scale;
  }
}
