// Reads f32 queries, keys and values.
const ROTATED = false;

@group(0) @binding(1) var<storage, read> query: array<vec4<f32>>; // [rows, HEADS, HEAD_DIM / 4]
@group(0) @binding(2) var<storage, read> cache: array<vec4<f32>>; // [keys and values, KV_HEADS, CONTEXT, HEAD_DIM / 4]

fn cached4(slot: u32, vec: u32) -> vec4<f32> {
  return cache[slot * (HEAD_DIM / 4u) + vec];
}
