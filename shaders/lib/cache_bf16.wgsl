// Reads f32 queries and bf16 keys and values.
const ROTATED = false;

@group(0) @binding(1) var<storage, read> query: array<vec4<f32>>; // [rows, HEADS, HEAD_DIM / 4]
@group(0) @binding(2) var<storage, read> cache: array<vec2<u32>>; // [keys and values, KV_HEADS, CONTEXT, HEAD_DIM / 4]

fn cached4(slot: u32, vec: u32) -> vec4<f32> {
  let words = cache[slot * (HEAD_DIM / 4u) + vec];
  return bitcast<vec4<f32>>(vec4<u32>(words.x << 16u, words.x & 0xffff0000u, words.y << 16u, words.y & 0xffff0000u));
}
