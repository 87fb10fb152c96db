// What a row's heads got from each chunk of keys, merged in ascending order by running maxima, with the arithmetic of attention's own walk,
// after which there is nothing left to merge.
override HEADS: u32;
override HEAD_DIM: u32;

@group(0) @binding(1) var<storage, read> partials: array<vec4<f32>>; // [rows, HEADS, pass_entries(), HEAD_DIM / 4 + 1]

fn prepare(row: u32, lane: u32) {}

// Four values of a row.
fn merged(row: u32, vec: u32) -> vec4<f32> {
  let vecs = HEAD_DIM / 4u;
  let position = batch.position + depth_of(row);
  let split = is_split();
  let first = select(0u, oldest_seen(position) / CHUNK, split);
  let last = select(0u, position / CHUNK, split);
  var entry = ((row * HEADS + vec / vecs) * pass_entries() + first) * (vecs + 1u);
  var top = partials[entry + vecs].x;
  var total = partials[entry + vecs].y;
  var sum = partials[entry + vec % vecs];
  for (var chunk = first + 1u; chunk <= last; chunk++) {
    entry += vecs + 1u;
    let found = partials[entry + vecs];
    let new_top = max(top, found.x);
    let keep = exp(top - new_top);
    let take = exp(found.x - new_top);
    sum = fma(sum, vec4<f32>(keep), partials[entry + vec % vecs] * take);
    total = fma(total, keep, found.y * take);
    top = new_top;
  }
  return sum / total;
}
