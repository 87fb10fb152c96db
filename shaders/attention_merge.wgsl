// What a row's heads got from each chunk of keys, merged in ascending order by running maxima, with the arithmetic of attention's own walk.
override HEADS: u32;
override HEAD_DIM: u32;
override HEAD_BLOCK: u32; // values are rotated within the head by Hadamard blocks of this width; 1: not at all
override WALKED: bool; // attention has merged them already

@group(0) @binding(1) var<storage, read> partials: array<vec4<f32>>; // [rows, HEADS, chunks of the pass or 1, HEAD_DIM / 4 + 1]

fn prepare(row: u32, lane: u32) {}

// Four values of a row.
fn merged(row: u32, vec: u32) -> vec4<f32> {
  let vecs = HEAD_DIM / 4u;
  let position = batch.position + depth_of(row);
  let first = select(oldest_seen(vec4<u32>(position)).x / CHUNK, 0u, WALKED);
  let last = select(position / CHUNK, 0u, WALKED);
  var entry = ((row * HEADS + vec / vecs) * select(pass_chunks(), 1u, WALKED) + first) * (vecs + 1u);
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
