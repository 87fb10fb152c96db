// From a row of queries, keys and values: norms queries and keys (where the family does), turns them by the rotary embedding, and stores
// queries for the attention that follows and keys and values in the cache. One workgroup a head and row.
override HEADS: u32;
override KV_HEADS: u32;
override HEAD_DIM: u32; // the workspace holds one head
override CONTEXT: u32; // positions the cache has room for
override ROTARY_DIM: u32; // the first dimensions of a head that are turned, in pairs (i, i + ROTARY_DIM / 2)
override ANGLE_STEP: u32; // positions
override NORM: bool; // root-mean-square norm of each query and key head
override EPSILON: f32;

@group(0) @binding(1) var<storage, read> input: array<f32>; // [rows, HEADS + 2 * KV_HEADS, HEAD_DIM]
@group(0) @binding(2) var<storage, read> norms: array<f32>; // [queries and keys, HEAD_DIM]
// Cosine and sine of positions below ANGLE_STEP, then of its multiples: [of each, ROTARY_DIM / 2].
@group(0) @binding(3) var<storage, read> angles: array<vec2<f32>>;

fn norm_head(weights: u32, lane: u32) {
  for (var part = lane; part < 64u; part += THREADS) {
    var squares = 0.0;
    for (var i = part; i < HEAD_DIM; i += 64u) {
      squares = fma(workspace[place(i)], workspace[place(i)], squares);
    }
    reduce_values[part] = squares;
  }
  let inverse_rms = inverseSqrt(reduce_sum(lane) / f32(HEAD_DIM) + EPSILON);
  for (var i = lane; i < HEAD_DIM; i += THREADS) {
    workspace[place(i)] = workspace[place(i)] * inverse_rms * norms[weights + i];
  }
  workgroupBarrier();
}

// A table of all positions would take tens of megabytes: the turn of a multiple of ANGLE_STEP, and that of the rest behind it.
fn angle_of(position: u32, pair: u32) -> vec2<f32> {
  let fine = angles[(position % ANGLE_STEP) * (ROTARY_DIM / 2u) + pair];
  let coarse = angles[(ANGLE_STEP + position / ANGLE_STEP) * (ROTARY_DIM / 2u) + pair];
  return vec2<f32>(fma(coarse.x, fine.x, -(coarse.y * fine.y)), fma(coarse.y, fine.x, coarse.x * fine.y));
}

fn turn_head(position: u32, lane: u32) {
  let half = ROTARY_DIM / 2u;
  for (var i = lane; i < half; i += THREADS) {
    let angle = angle_of(position, i);
    let a = workspace[place(i)];
    let b = workspace[place(i + half)];
    workspace[place(i)] = fma(a, angle.x, -(b * angle.y));
    workspace[place(i + half)] = fma(b, angle.x, a * angle.y);
  }
  workgroupBarrier();
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let head = group.x;
  let row = group.y;
  let position = batch.position + depth_of(row);
  let is_query = head < HEADS;
  for (var i = lane; i < HEAD_DIM; i += THREADS) {
    workspace[place(i)] = input[(row * (HEADS + 2u * KV_HEADS) + head) * HEAD_DIM + i];
  }
  workgroupBarrier();
  if (head < HEADS + KV_HEADS) {
    if (NORM) {
      norm_head(select(HEAD_DIM, 0u, is_query), lane);
    }
    turn_head(position, lane);
  }
  // Keys come first in the cache, then values, as they do in the row. Rows of a tree may share a position, but not a place.
  append(row * HEADS + head, (head - HEADS) * CONTEXT + batch.position + row, is_query, lane);
}
