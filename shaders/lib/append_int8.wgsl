// Stores a head as INT8, rotated within the head, with one scale. A query is followed by its scale's bits.
@group(0) @binding(4) var<storage, read_write> query: array<u32>; // [rows, HEADS, HEAD_DIM / 4 + 1]
@group(0) @binding(5) var<storage, read_write> cache: array<u32>; // [keys and values, KV_HEADS, CONTEXT, HEAD_DIM / 4]
@group(0) @binding(6) var<storage, read_write> cache_scales: array<f32>; // [keys and values, KV_HEADS, CONTEXT]

fn append(query_head: u32, cache_head: u32, is_query: bool, lane: u32) {
  hadamard(lane);
  for (var part = lane; part < 64u; part += THREADS) {
    var most = 0.0;
    for (var i = part; i < HEAD_DIM; i += 64u) {
      most = max(most, abs(workspace[place(i)]));
    }
    reduce_values[part] = most;
  }
  let largest = reduce_max(lane);
  let inverse_scale = select(0.0, 127.0 / largest, largest > 0.0);
  let scale = select(1.0, largest * (inverseSqrt(f32(BLOCK)) / 127.0), largest > 0.0);
  let words = HEAD_DIM / 4u;
  for (var at = lane; at < words; at += THREADS) {
    let i = at * 4u;
    let values = vec4<f32>(workspace[place(i)], workspace[place(i + 1u)], workspace[place(i + 2u)], workspace[place(i + 3u)]);
    let word = quantize4(values, inverse_scale);
    if (is_query) {
      query[query_head * (words + 1u) + at] = word;
    } else {
      cache[cache_head * words + at] = word;
    }
  }
  if (lane == 0u) {
    if (is_query) {
      query[query_head * (words + 1u) + words] = bitcast<u32>(scale);
    } else {
      cache_scales[cache_head] = scale;
    }
  }
}
