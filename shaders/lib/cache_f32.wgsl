// Reads f32 queries, keys and values.
@group(0) @binding(1) var<storage, read> query: array<vec4<f32>>; // [rows, HEADS, HEAD_DIM / 4]
@group(0) @binding(2) var<storage, read> cache: array<vec4<f32>>; // [keys and values, KV_HEADS, CONTEXT, HEAD_DIM / 4]

// A dot product's next four terms.
fn fma4(a: vec4<f32>, b: vec4<f32>, sum: f32) -> f32 {
  return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}

// Dot products of the key in a slot with two queries, or four.
fn score4(query_heads: vec4<u32>, slot: u32, more: bool) -> vec4<f32> {
  let vecs = HEAD_DIM / 4u;
  let q = query_heads * vecs;
  var sum = vec4<f32>();
  for (var i = 0u; i < vecs; i++) {
    let k = cache[slot * vecs + i];
    sum.x = fma4(query[q.x + i], k, sum.x);
    sum.y = fma4(query[q.y + i], k, sum.y);
    if (more) {
      sum.z = fma4(query[q.z + i], k, sum.z);
      sum.w = fma4(query[q.w + i], k, sum.w);
    }
  }
  return sum;
}

fn query_scale(query_head: u32) -> f32 {
  return 1.0;
}

fn value4(slot: u32, vec: u32) -> vec4<f32> {
  return cache[slot * (HEAD_DIM / 4u) + vec];
}

fn value_scale(slot: u32) -> f32 {
  return 1.0;
}
