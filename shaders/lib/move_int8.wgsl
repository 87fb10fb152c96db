// Moves an INT8 key or value and its scale to another place.
@group(0) @binding(1) var<storage, read_write> cache: array<u32>; // [keys and values, kv heads, CONTEXT, HEAD_DIM / 4]
@group(0) @binding(2) var<storage, read_write> cache_scales: array<f32>; // [keys and values, kv heads, CONTEXT]

fn move_slot(from_slot: u32, to_slot: u32, lane: u32) {
  let words = HEAD_DIM / 4u;
  for (var i = lane; i < words; i += 64u) {
    cache[to_slot * words + i] = cache[from_slot * words + i];
  }
  if (lane == 0u) {
    cache_scales[to_slot] = cache_scales[from_slot];
  }
}
