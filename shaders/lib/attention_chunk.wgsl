// What up to four queries that share a kv head get from one chunk of keys, which are read once for them. It depends on a query's own
// position and keys alone. The kernel's THREADS, at most 64, do the work of 64 lanes, so that every sum has its order.
override HEADS: u32;
override KV_HEADS: u32;
override HEAD_DIM: u32; // at most 256
override CONTEXT: u32; // positions the cache has room for
override SCALE: f32; // of the scores

var<workgroup> scores: array<vec4<f32>, CHUNK>; // of each key, a component a query; then weights times the values' scale
var<workgroup> lane_values: array<vec4<f32>, 64>;
var<workgroup> group_values: array<vec4<f32>, 8>;
var<workgroup> sums: array<vec4<f32>, 256>; // [query, lane]

// Queries past the pass's last repeat it.
struct Tile {
  kv_head: u32,
  rows: vec4<u32>,
  heads: vec4<u32>, // places among the queries, [rows, HEADS]
  oldest: vec4<u32>, // the first position that each sees
  newest: vec4<u32>, // and the last, its own
}

fn tile_at(kv_head: u32, tile: u32) -> Tile {
  let sharing = HEADS / KV_HEADS;
  let queries = min(vec4<u32>(tile * 4u) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(batch.rows * sharing - 1u));
  let rows = queries / sharing;
  let depths = vec4<u32>(depth_of(rows.x), depth_of(rows.y), depth_of(rows.z), depth_of(rows.w));
  let newest = vec4<u32>(batch.position) + depths;
  return Tile(kv_head, rows, rows * HEADS + kv_head * sharing + queries % sharing, oldest_seen(newest), newest);
}

// Whether the four queries may have different keys at this position: a tree's keys lie in the order of its rows.
fn is_apart(position: u32) -> bool {
  return batch.tree == 1u && position >= batch.position;
}

// Where such a key lies.
fn apart_slot(row: u32, position: u32) -> u32 {
  return batch.position + ancestor(row, position - batch.position);
}

fn scores_at(tile: Tile, position: u32) -> vec4<f32> {
  let visible = (tile.oldest <= vec4<u32>(position)) & (tile.newest >= vec4<u32>(position));
  if (!any(visible)) {
    return vec4<f32>(LOWEST);
  }
  let first = tile.kv_head * CONTEXT;
  var s = vec4<f32>();
  if (is_apart(position)) {
    for (var q = 0u; q < 4u; q++) {
      s[q] = score(tile.heads[q], first + apart_slot(tile.rows[q], position));
    }
  } else {
    s = score4(tile.heads, first + position);
  }
  return select(vec4<f32>(LOWEST), s * SCALE, visible);
}

// The weights of a key for the four queries; leaves them times the values' scale in the place of the scores.
fn weigh(tile: Tile, start: u32, key: u32, top: vec4<f32>) -> vec4<f32> {
  let s = scores[key];
  let seen = s > vec4<f32>(LOWEST);
  if (!any(seen)) {
    scores[key] = vec4<f32>();
    return vec4<f32>();
  }
  let position = start + key;
  let first = (KV_HEADS + tile.kv_head) * CONTEXT;
  let weights = select(vec4<f32>(), exp(s - top), seen);
  var scales = vec4<f32>(value_scale(first + position));
  if (is_apart(position)) {
    for (var q = 0u; q < 4u; q++) {
      scales[q] = value_scale(first + apart_slot(tile.rows[q], position));
    }
  }
  scores[key] = weights * scales;
  return weights;
}

// A lane's share of the weighted sums: four dimensions over every `parts`-th value, for the four queries.
fn mix(tile: Tile, start: u32, keys: u32, lane: u32) {
  let parts = 256u / HEAD_DIM;
  let part = lane / (HEAD_DIM / 4u);
  let vec = lane % (HEAD_DIM / 4u);
  let first = (KV_HEADS + tile.kv_head) * CONTEXT;
  var sum = array<vec4<f32>, 4>();
  for (var key = part; key < keys && part < parts; key += parts) {
    let position = start + key;
    let weights = scores[key];
    let apart = is_apart(position);
    var v = value4(first + position, vec);
    for (var q = 0u; q < 4u; q++) {
      // What a query does not see must not even turn the sign of a zero.
      if (weights[q] > 0.0) {
        if (apart) {
          v = value4(first + apart_slot(tile.rows[q], position), vec);
        }
        sum[q] = fma(vec4<f32>(weights[q]), v, sum[q]);
      }
    }
  }
  for (var q = 0u; q < 4u; q++) {
    sums[q * 64u + lane] = sum[q];
  }
}

// Four dimensions of a query's weighted sum, behind attend().
fn mixed(q: u32, vec: u32) -> vec4<f32> {
  var sum = sums[q * 64u + vec];
  for (var part = 1u; part < 256u / HEAD_DIM; part++) {
    sum += sums[q * 64u + part * (HEAD_DIM / 4u) + vec];
  }
  return sum;
}

struct Found {
  top: vec4<f32>, // each query's largest score
  total: vec4<f32>, // sum of its weights
}

// Looks at `keys` keys from `start` on, the first of a chunk. Whoever reads mixed() behind it and calls it again needs no barrier between.
fn attend(tile: Tile, start: u32, keys: u32, thread: u32) -> Found {
  for (var lane = thread; lane < 64u; lane += THREADS) {
    let a = scores_at(tile, start + lane);
    let b = scores_at(tile, start + lane + 64u);
    scores[lane] = a;
    scores[lane + 64u] = b;
    lane_values[lane] = max(a, b);
  }
  workgroupBarrier();
  for (var i = thread; i < 8u; i += THREADS) {
    var largest = lane_values[i * 8u];
    for (var j = 1u; j < 8u; j++) {
      largest = max(largest, lane_values[i * 8u + j]);
    }
    group_values[i] = largest;
  }
  workgroupBarrier();
  var top = group_values[0];
  for (var i = 1u; i < 8u; i++) {
    top = max(top, group_values[i]);
  }
  for (var lane = thread; lane < 64u; lane += THREADS) {
    lane_values[lane] = weigh(tile, start, lane, top) + weigh(tile, start, lane + 64u, top);
  }
  workgroupBarrier();
  for (var i = thread; i < 8u; i += THREADS) {
    var sum = lane_values[i * 8u];
    for (var j = 1u; j < 8u; j++) {
      sum += lane_values[i * 8u + j];
    }
    group_values[i] = sum;
  }
  for (var lane = thread; lane < 64u; lane += THREADS) {
    mix(tile, start, keys, lane);
  }
  workgroupBarrier();
  var total = group_values[0];
  for (var i = 1u; i < 8u; i++) {
    total += group_values[i];
  }
  return Found(top, total);
}
