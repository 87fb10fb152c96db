// Causal attention over chunks of 128 keys at absolute positions. What a query gets from each chunk is merged in ascending order by running
// maxima (Milakov & Gimelshein 2018). In passes of few rows a workgroup takes one chunk and every grid.z-th tile of four queries, so that
// they keep a GPU busy too, and attention_merge does the merging; else it takes one tile and walks all chunks, with the same arithmetic.
override THREADS: u32; // at most 64

@group(0) @binding(4) var<storage, read_write> partials: array<vec4<f32>>; // [rows, HEADS, pass_entries(), HEAD_DIM / 4 + 1]

var<workgroup> walked: array<vec4<f32>, HEAD_DIM>; // merged so far, [query, HEAD_DIM / 4]

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let vecs = HEAD_DIM / 4u;
  let queries = batch.rows * (HEADS / KV_HEADS);
  let split = is_split();
  let tiles = (queries + 3u) / 4u;
  for (var index = select(group.y + group.z * tiles, group.z, split); index < tiles; index += select(tiles, groups.z, split)) {
    let tile = tile_at(group.x, index);
    let last = max(max(tile.newest.x, tile.newest.y), max(tile.newest.z, tile.newest.w));
    let oldest = min(min(tile.oldest.x, tile.oldest.y), min(tile.oldest.z, tile.oldest.w));
    var chunk = select(oldest / CHUNK, max(group.y, oldest / CHUNK), split);
    let end = select(last / CHUNK, min(group.y, last / CHUNK), split);
    var sees = vec4<bool>();
    var top = vec4<f32>();
    var total = vec4<f32>();
    for (; chunk <= end; chunk++) {
      let found = attend(tile, chunk * CHUNK, min(last + 1u - chunk * CHUNK, CHUNK), thread);
      sees = (tile.oldest / CHUNK <= vec4<u32>(chunk)) & (tile.newest / CHUNK >= vec4<u32>(chunk));
      let begins = sees & (vec4<bool>(split) | (tile.oldest / CHUNK == vec4<u32>(chunk)));
      let new_top = max(top, found.top);
      let keep = exp(top - new_top);
      let take = exp(found.top - new_top);
      for (var i = thread; i < HEAD_DIM; i += THREADS) {
        let q = i / vecs;
        if (begins[q]) {
          walked[i] = mixed(q, i % vecs);
        } else if (sees[q]) {
          walked[i] = fma(walked[i], vec4<f32>(keep[q]), mixed(q, i % vecs) * take[q]);
        }
      }
      total = select(select(total, fma(total, keep, found.total * take), sees), found.total, begins);
      top = select(select(top, new_top, sees), found.top, begins);
    }
    for (var i = thread; i < HEAD_DIM + 4u; i += THREADS) {
      let q = select(i / vecs, i - HEAD_DIM, i >= HEAD_DIM);
      if (q < tile.count && (sees[q] || !split)) {
        let entry = (tile.heads[q] * pass_entries() + select(0u, group.y, split)) * (vecs + 1u);
        if (i < HEAD_DIM) {
          partials[entry + i % vecs] = walked[i];
        } else {
          partials[entry + vecs] = vec4<f32>(top[q], total[q], 0.0, 0.0);
        }
      }
    }
  }
}
