// Reads INT8 queries, keys and values, rotated within the head; scores are exact integer products, scaled once.
@group(0) @binding(1) var<storage, read> query: array<u32>; // [rows, HEADS, HEAD_DIM / 4 + 1], a scale's bits behind each head
@group(0) @binding(2) var<storage, read> cache: array<u32>; // [keys and values, KV_HEADS, CONTEXT, HEAD_DIM / 4]
@group(0) @binding(3) var<storage, read> cache_scales: array<f32>; // [keys and values, KV_HEADS, CONTEXT]

// Dot products of the key in a slot with two queries, or four, all but for query_scale().
fn score4(query_heads: vec4<u32>, slot: u32, more: bool) -> vec4<f32> {
  let words = HEAD_DIM / 4u;
  let q = query_heads * (words + 1u);
  var sum = vec4<i32>();
  for (var i = 0u; i < words; i++) {
    let k = cache[slot * words + i];
    sum.x += dot4(query[q.x + i], k);
    sum.y += dot4(query[q.y + i], k);
    if (more) {
      sum.z += dot4(query[q.z + i], k);
      sum.w += dot4(query[q.w + i], k);
    }
  }
  return vec4<f32>(sum) * cache_scales[slot];
}

fn query_scale(query_head: u32) -> f32 {
  return bitcast<f32>(query[(query_head + 1u) * (HEAD_DIM / 4u + 1u) - 1u]);
}

// Four values of a slot, still to be multiplied by value_scale().
fn value4(slot: u32, vec: u32) -> vec4<f32> {
  return unpack_codes(cache[slot * (HEAD_DIM / 4u) + vec]);
}

fn value_scale(slot: u32) -> f32 {
  return cache_scales[slot];
}
