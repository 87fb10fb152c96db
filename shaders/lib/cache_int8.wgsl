// Reads INT8 queries, keys and values, rotated within the head; scores are exact integer products, scaled once.
@group(0) @binding(1) var<storage, read> query: array<u32>; // [rows, HEADS, HEAD_DIM / 4 + 1], a scale's bits behind each head
@group(0) @binding(2) var<storage, read> cache: array<u32>; // [keys and values, KV_HEADS, CONTEXT, HEAD_DIM / 4]
@group(0) @binding(3) var<storage, read> cache_scales: array<f32>; // [keys and values, KV_HEADS, CONTEXT]

// The dot product of a query and the key in `slot`.
fn score(query_head: u32, slot: u32) -> f32 {
  let words = HEAD_DIM / 4u;
  let q = query_head * (words + 1u);
  let k = slot * words;
  var sum = 0;
  for (var i = 0u; i < words; i++) {
    sum += dot4(query[q + i], cache[k + i]);
  }
  return f32(sum) * (bitcast<f32>(query[q + words]) * cache_scales[slot]);
}

// The same for two queries and one key.
fn score2(query_heads: vec2<u32>, slot: u32) -> vec2<f32> {
  let words = HEAD_DIM / 4u;
  let q = query_heads * (words + 1u);
  var sum = vec2<i32>();
  for (var i = 0u; i < words; i++) {
    let k = cache[slot * words + i];
    sum += vec2<i32>(dot4(query[q.x + i], k), dot4(query[q.y + i], k));
  }
  let scales = vec2<u32>(query[q.x + words], query[q.y + words]);
  return vec2<f32>(sum) * (bitcast<vec2<f32>>(scales) * cache_scales[slot]);
}

// And for four.
fn score4(query_heads: vec4<u32>, slot: u32) -> vec4<f32> {
  let words = HEAD_DIM / 4u;
  let q = query_heads * (words + 1u);
  var sum = vec4<i32>();
  for (var i = 0u; i < words; i++) {
    let k = cache[slot * words + i];
    sum += vec4<i32>(dot4(query[q.x + i], k), dot4(query[q.y + i], k), dot4(query[q.z + i], k), dot4(query[q.w + i], k));
  }
  let scales = vec4<u32>(query[q.x + words], query[q.y + words], query[q.z + words], query[q.w + words]);
  return vec4<f32>(sum) * (bitcast<vec4<f32>>(scales) * cache_scales[slot]);
}

// Four values of a slot, still to be multiplied by value_scale().
fn value4(slot: u32, vec: u32) -> vec4<f32> {
  return unpack_codes(cache[slot * (HEAD_DIM / 4u) + vec]);
}

fn value_scale(slot: u32) -> f32 {
  return cache_scales[slot];
}
