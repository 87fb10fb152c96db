// Moves an f32 key or value to another place.
@group(0) @binding(1) var<storage, read_write> cache: array<f32>; // [keys and values, kv heads, CONTEXT, HEAD_DIM]

fn move_slot(from_slot: u32, to_slot: u32, lane: u32) {
  for (var i = lane; i < HEAD_DIM; i += 64u) {
    cache[to_slot * HEAD_DIM + i] = cache[from_slot * HEAD_DIM + i];
  }
}
