// What attention and attention_merge agree on: keys come in chunks at absolute positions, and which of them a query sees.
override WINDOW: u32; // a query sees this many keys, its own included

const CHUNK = 128u; // keys
const LOWEST = -3.0e38; // stands for minus infinity, which WGSL does not promise

// The first positions that queries at these see.
fn oldest_seen(position: vec4<u32>) -> vec4<u32> {
  return max(position, vec4<u32>(WINDOW - 1u)) - (WINDOW - 1u);
}

// Chunks that the pass's keys reach into.
fn pass_chunks() -> u32 {
  return (batch.position + batch.rows + CHUNK - 1u) / CHUNK;
}
