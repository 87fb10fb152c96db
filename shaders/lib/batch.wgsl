// What changes from pass to pass; everything else is fixed when a pipeline is made. A pass of at most 16 rows may be a tree: row 0 is its
// root, and a row's token stands behind its parent's, not behind the row before it. A path is the row of each depth, four bits each.
struct Batch {
  rows: u32, // tokens fed
  position: u32, // of the first row
  head_rows: u32, // the last rows, which want logits
  state_slot: u32, // which of two copies of the convolution state is read; the other is written
  tree: u32, // 1: the pass is a tree
  accepted: u32, // rows of the last pass that were kept, if it was a tree, else 0
  accepted_path: vec2<u32>, // those rows
  nodes: array<vec4<u32>, 16>, // a tree's rows: path down to the row itself (two words), depth, nothing
}
@group(0) @binding(0) var<uniform> batch: Batch;

fn path_row(path: vec2<u32>, depth: u32) -> u32 {
  return (select(path.x, path.y, depth >= 8u) >> ((depth & 7u) * 4u)) & 15u;
}

// How many places behind the pass's first row a row stands.
fn depth_of(row: u32) -> u32 {
  if (batch.tree == 1u) {
    return batch.nodes[row].z;
  }
  return row;
}

// The row that stands `depth` places behind the first one on the way to `row`.
fn ancestor(row: u32, depth: u32) -> u32 {
  if (batch.tree == 1u) {
    return path_row(batch.nodes[row].xy, depth);
  }
  return depth;
}
