// What up to four queries that share a kv head get from one chunk of keys, which are read once for them. It depends on a query's own
// position and keys alone. The kernel's THREADS, at most 64, do the work of 64 lanes, so that every sum has its order.
override HEADS: u32;
override KV_HEADS: u32;
override HEAD_DIM: u32; // at most 256
override CONTEXT: u32; // positions the cache has room for
override SCALE: f32; // of the scores

var<workgroup> scores: array<vec4<f32>, CHUNK>; // of each key, a component a query; then weights times the values' scale
var<workgroup> key_weights: array<vec4<f32>, CHUNK>;
var<workgroup> group_values: array<vec4<f32>, 8>;
var<workgroup> sums: array<vec4<f32>, 256>; // [query, lane]

// Behind the pass's last query there are some that see nothing.
struct Tile {
  kv_head: u32,
  count: u32, // queries
  rows: vec4<u32>,
  heads: vec4<u32>, // places among the queries, [rows, HEADS]
  oldest: vec4<u32>, // the first position that each sees
  newest: vec4<u32>, // and the last, its own
}

fn tile_at(kv_head: u32, tile: u32) -> Tile {
  let sharing = HEADS / KV_HEADS;
  let count = min(batch.rows * sharing - tile * 4u, 4u);
  let queries = vec4<u32>(tile * 4u) + min(vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(count - 1u));
  let rows = queries / sharing;
  let depths = vec4<u32>(depth_of(rows.x), depth_of(rows.y), depth_of(rows.z), depth_of(rows.w));
  let newest = vec4<u32>(batch.position) + depths;
  let heads = rows * HEADS + kv_head * sharing + queries % sharing;
  let oldest = select(vec4<u32>(0xffffffffu), oldest_seen(newest), vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(count));
  return Tile(kv_head, count, rows, heads, oldest, newest);
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
    for (var q = 0u; q < tile.count; q++) {
      s[q] = score(tile.heads[q], first + apart_slot(tile.rows[q], position));
    }
  } else if (tile.count < 3u) {
    s = vec4<f32>(score2(tile.heads.xy, first + position), 0.0, 0.0);
  } else {
    s = score4(tile.heads, first + position);
  }
  return select(vec4<f32>(LOWEST), s * SCALE, visible);
}

// From scores to weights, with and without the values' scale.
fn weigh(tile: Tile, start: u32, key: u32, top: vec4<f32>) {
  let s = scores[key];
  let seen = s > vec4<f32>(LOWEST);
  if (!any(seen)) {
    scores[key] = vec4<f32>();
    key_weights[key] = vec4<f32>();
    return;
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
  key_weights[key] = weights;
}

// What a query does not see must not even turn the sign of a zero.
fn plus(sum: vec4<f32>, weight: f32, value: vec4<f32>) -> vec4<f32> {
  return select(sum, fma(vec4<f32>(weight), value, sum), weight > 0.0);
}

// A lane's share of the weighted sums: four dimensions over every `parts`-th value, for the four queries.
fn mix(tile: Tile, start: u32, keys: u32, lane: u32) {
  let parts = 256u / HEAD_DIM;
  let part = lane / (HEAD_DIM / 4u);
  let vec = lane % (HEAD_DIM / 4u);
  let first = (KV_HEADS + tile.kv_head) * CONTEXT;
  var sum0 = vec4<f32>();
  var sum1 = vec4<f32>();
  var sum2 = vec4<f32>();
  var sum3 = vec4<f32>();
  for (var key = part; key < keys && part < parts; key += parts) {
    let weights = scores[key];
    let position = start + key;
    if (is_apart(position)) {
      sum0 = plus(sum0, weights.x, value4(first + apart_slot(tile.rows.x, position), vec));
      sum1 = plus(sum1, weights.y, value4(first + apart_slot(tile.rows.y, position), vec));
      sum2 = plus(sum2, weights.z, value4(first + apart_slot(tile.rows.z, position), vec));
      sum3 = plus(sum3, weights.w, value4(first + apart_slot(tile.rows.w, position), vec));
    } else {
      let v = value4(first + position, vec);
      sum0 = plus(sum0, weights.x, v);
      sum1 = plus(sum1, weights.y, v);
      if (tile.count > 2u) {
        sum2 = plus(sum2, weights.z, v);
        sum3 = plus(sum3, weights.w, v);
      }
    }
  }
  sums[lane] = sum0;
  sums[lane + 64u] = sum1;
  sums[lane + 128u] = sum2;
  sums[lane + 192u] = sum3;
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
  for (var key = thread; key < CHUNK; key += THREADS) {
    scores[key] = scores_at(tile, start + key);
  }
  workgroupBarrier();
  for (var i = thread; i < 8u; i += THREADS) {
    var largest = scores[i * 16u];
    for (var j = 1u; j < 16u; j++) {
      largest = max(largest, scores[i * 16u + j]);
    }
    group_values[i] = largest;
  }
  workgroupBarrier();
  var top = group_values[0];
  for (var i = 1u; i < 8u; i++) {
    top = max(top, group_values[i]);
  }
  for (var key = thread; key < CHUNK; key += THREADS) {
    weigh(tile, start, key, top);
  }
  workgroupBarrier();
  for (var i = thread; i < 8u; i += THREADS) {
    var sum = key_weights[i * 16u];
    for (var j = 1u; j < 16u; j++) {
      sum += key_weights[i * 16u + j];
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
