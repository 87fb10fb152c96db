// Causal attention over chunks of 128 keys at absolute positions. What a query gets from each chunk is merged in ascending order by running
// maxima (Milakov & Gimelshein 2018). In passes of few rows a workgroup takes one chunk and every grid.z-th tile of four queries, so that
// they keep a GPU busy too, and attention_merge does the merging; else it takes one tile and walks all chunks, with the same arithmetic.

// Not vectors: threads that write one's components must not do it side by side.
@group(0) @binding(4) var<storage, read_write> partials: array<f32>; // [rows, HEADS, pass_entries(), HEAD_DIM + 4]

var<workgroup> walked: array<f32, HEAD_DIM * 4u>; // merged so far, [query, HEAD_DIM]
var<workgroup> factors: array<vec2<f32>, 4>; // by which what was merged and what was found are multiplied

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let split = is_split();
  let entries = pass_entries();
  let tiles = (batch.rows * (HEADS / KV_HEADS) + 3u) / 4u;
  for (var index = select(group.y + group.z * tiles, group.z, split); index < tiles; index += select(tiles, groups.z, split)) {
    let tile = tile_at(group.x, index);
    var chunk = select(tile.first / CHUNK, max(group.y, tile.first / CHUNK), split);
    let end = select(tile.last / CHUNK, min(group.y, tile.last / CHUNK), split);
    let own = query_of(tile, thread);
    var merged = vec2<f32>(); // of this thread's own query: the largest score, the sum of the weights
    for (; chunk <= end; chunk++) {
      let found = attend(tile, chunk * CHUNK, min(tile.last + 1u - chunk * CHUNK, CHUNK), thread);
      let top = max(merged.x, found.x);
      let factor = exp(vec2<f32>(merged.x, found.x) - top);
      if (split || begins(tile, own, chunk)) {
        merged = found;
      } else if (sees(tile, own, chunk)) {
        merged = vec2<f32>(top, fma(merged.y, factor.x, found.y * factor.y));
      }
      if (thread < tile.width) {
        factors[thread] = factor;
      }
      workgroupBarrier();
      for (var q = 0u; q < tile.width; q++) {
        if (sees(tile, q, chunk)) {
          let keeps = !split && !begins(tile, q, chunk);
          let leaves = split || ends(tile, q, chunk);
          let entry = (tile.heads[q] * entries + select(0u, chunk, split)) * (HEAD_DIM + 4u);
          for (var i = thread; i < HEAD_DIM; i += THREADS) {
            var sum = mixed(q, i);
            if (keeps) {
              sum = fma(walked[q * HEAD_DIM + i], factors[q].x, sum * factors[q].y);
            }
            if (leaves) {
              partials[entry + i] = sum;
            } else {
              walked[q * HEAD_DIM + i] = sum;
            }
          }
          if (leaves && thread == q) {
            partials[entry + HEAD_DIM] = merged.x;
            partials[entry + HEAD_DIM + 1u] = merged.y;
          }
        }
      }
    }
  }
}
