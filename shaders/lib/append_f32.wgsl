// Stores a head as f32.
@group(0) @binding(4) var<storage, read_write> query: array<f32>; // [rows, HEADS, HEAD_DIM]
@group(0) @binding(5) var<storage, read_write> cache: array<f32>; // [keys and values, KV_HEADS, CONTEXT, HEAD_DIM]

fn append(query_head: u32, cache_head: u32, is_query: bool, lane: u32) {
  for (var i = lane; i < HEAD_DIM; i += THREADS) {
    if (is_query) {
      query[query_head * HEAD_DIM + i] = workspace[place(i)];
    } else {
      cache[cache_head * HEAD_DIM + i] = workspace[place(i)];
    }
  }
}
