// What attention and attention_merge agree on: keys come in chunks at absolute positions, and which of them a query sees.
override WINDOW: u32; // a query sees this many keys, its own included
override SPLIT: u32; // a pass of at most 16 rows keeps what each row gets from each chunk, if it is not more of these

const CHUNK = 128u; // keys
const LOWEST = -3.0e38; // stands for minus infinity, which WGSL does not promise

// The first position that a query at this one sees.
fn oldest_seen(position: u32) -> u32 {
  return max(position, WINDOW - 1u) - (WINDOW - 1u);
}

// Whether workgroups take a chunk each and share its tiles: few rows have too few tiles to keep a GPU busy. Of more rows each workgroup
// walks all chunks with a tile of its own, in the first chunk too. The grid in src/kernels/attention.ts is made by the same rule.
fn is_split() -> bool {
  return batch.rows <= 16u && batch.rows * chunks_reached() <= SPLIT;
}

// Entries that a pass keeps for each row and head: one a chunk that its keys reach into, or one for all.
fn pass_entries() -> u32 {
  return select(1u, chunks_reached(), is_split());
}

fn chunks_reached() -> u32 {
  return (batch.position + batch.rows + CHUNK - 1u) / CHUNK;
}
