// Stores keys and values as bf16, two a word, rounded to nearest even; a query stays f32.
@group(0) @binding(4) var<storage, read_write> query: array<f32>; // [rows, HEADS, HEAD_DIM]
@group(0) @binding(5) var<storage, read_write> cache: array<u32>; // [keys and values, KV_HEADS, CONTEXT, HEAD_DIM / 2]

fn bf16_bits(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  return (bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u;
}

fn append(query_head: u32, cache_head: u32, is_query: bool, lane: u32) {
  if (is_query) {
    for (var i = lane; i < HEAD_DIM; i += 64u) {
      query[query_head * HEAD_DIM + i] = head_values[i];
    }
  } else {
    for (var i = lane; i < HEAD_DIM / 2u; i += 64u) {
      cache[cache_head * (HEAD_DIM / 2u) + i] = bf16_bits(head_values[2u * i]) | (bf16_bits(head_values[2u * i + 1u]) << 16u);
    }
  }
}
