// Reads f32 queries, keys and values.
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

// The same for two queries and one key.
fn score2(query_heads: vec2<u32>, slot: u32) -> vec2<f32> {
  return vec2<f32>(score(query_heads.x, slot), score(query_heads.y, slot));
}

// And for four.
fn score4(query_heads: vec4<u32>, slot: u32) -> vec4<f32> {
  let vecs = HEAD_DIM / 4u;
  var sum = vec4<f32>();
  for (var i = 0u; i < vecs; i++) {
    let places = query_heads * vecs + i;
    let q = transpose(mat4x4<f32>(query[places.x], query[places.y], query[places.z], query[places.w]));
    let k = cache[slot * vecs + i];
    sum = fma(q[0], vec4<f32>(k.x), sum);
    sum = fma(q[1], vec4<f32>(k.y), sum);
    sum = fma(q[2], vec4<f32>(k.z), sum);
    sum = fma(q[3], vec4<f32>(k.w), sum);
  }
  return sum;
}

fn value4(slot: u32, vec: u32) -> vec4<f32> {
  return cache[slot * (HEAD_DIM / 4u) + vec];
}

fn value_scale(slot: u32) -> f32 {
  return 1.0;
}
