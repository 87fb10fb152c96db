// Reads f32 queries, keys and values.
const ROTATED = false;

@group(0) @binding(1) var<storage, read> query: array<vec4<f32>>; // [rows, HEADS, HEAD_DIM / 4]
@group(0) @binding(2) var<storage, read> cache: array<vec4<f32>>; // [keys and values, KV_HEADS, CONTEXT, HEAD_DIM / 4]

fn score(query_head: u32, slot: u32) -> f32 {
  let vecs = HEAD_DIM / 4u;
  var sum = 0.0;
  for (var i = 0u; i < vecs; i++) {
    let q = query[query_head * vecs + i];
    let k = cache[slot * vecs + i];
    sum = fma(q.x, k.x, sum);
    sum = fma(q.y, k.y, sum);
    sum = fma(q.z, k.z, sum);
    sum = fma(q.w, k.w, sum);
  }
  return sum;
}

fn value4(slot: u32, vec: u32) -> vec4<f32> {
  return cache[slot * (HEAD_DIM / 4u) + vec];
}

fn value_scale(slot: u32) -> f32 {
  return 1.0;
}
