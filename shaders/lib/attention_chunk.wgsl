// What up to four queries that share a kv head get from one chunk of keys, which are read once for them. It depends on a query's own
// position and keys alone. The kernel's THREADS, 4 to 64, do the work of 64 lanes, so that every sum has its order.
override HEAD_DIM: u32; // at most 256
override CONTEXT: u32; // positions the cache has room for
override SCALE: f32; // of the scores
override THREADS: u32;

var<workgroup> scores: array<f32, CHUNK * 4u>; // [key, tile.width]; then weights times the values' scale
var<workgroup> key_weights: array<f32, CHUNK * 4u>;
var<workgroup> group_values: array<f32, 64>;
var<workgroup> sums: array<vec4<f32>, 256>; // [query, lane]

// Scores of a key, without the query's factor.
fn put_scores(tile: Tile, position: u32, key: u32) {
  let apart = is_apart(position);
  var s = vec4<f32>();
  for (var q = 0u; q < select(1u, tile.count, apart); q++) {
    let found = score4(tile.heads, tile.kv_head * CONTEXT + slot_of(tile, q, position), tile.width == 4u);
    s = select(s, found, vec4<bool>(!apart) | is_query(q));
  }
  scores[key * tile.width] = s.x;
  scores[key * tile.width + 1u] = s.y;
  if (tile.width == 4u) {
    scores[key * tile.width + 2u] = s.z;
    scores[key * tile.width + 3u] = s.w;
  }
}

// What a query does not see must not even turn the sign of a zero.
fn plus(sum: vec4<f32>, weight: f32, value: vec4<f32>) -> vec4<f32> {
  return select(sum, fma(vec4<f32>(weight), value, sum), weight > 0.0);
}

// A lane's share of the weighted sums: four dimensions over every `parts`-th value, for all queries.
fn mix(tile: Tile, start: u32, keys: u32, lane: u32) {
  let parts = 256u / HEAD_DIM;
  let part = lane / (HEAD_DIM / 4u);
  let vec = lane % (HEAD_DIM / 4u);
  var sum0 = vec4<f32>();
  var sum1 = vec4<f32>();
  var sum2 = vec4<f32>();
  var sum3 = vec4<f32>();
  let first = (KV_HEADS + tile.kv_head) * CONTEXT;
  let shared_keys = common_keys(start, keys);
  var key = select(keys, part, part < parts);
  for (; key < shared_keys; key += parts) {
    let v = value4(first + start + key, vec);
    sum0 = plus(sum0, scores[key * tile.width], v);
    sum1 = plus(sum1, scores[key * tile.width + 1u], v);
    if (tile.width == 4u) {
      sum2 = plus(sum2, scores[key * tile.width + 2u], v);
      sum3 = plus(sum3, scores[key * tile.width + 3u], v);
    }
  }
  for (; key < keys; key += parts) {
    for (var q = 0u; q < tile.count; q++) {
      let v = value4(first + slot_of(tile, q, start + key), vec);
      let weights = select(vec4<f32>(), vec4<f32>(scores[key * tile.width + q]), is_query(q));
      sum0 = plus(sum0, weights.x, v);
      sum1 = plus(sum1, weights.y, v);
      sum2 = plus(sum2, weights.z, v);
      sum3 = plus(sum3, weights.w, v);
    }
  }
  for (var q = 0u; q < tile.width; q++) {
    sums[q * 64u + lane] = select(select(sum0, sum1, q == 1u), select(sum2, sum3, q == 3u), q > 1u);
  }
}

// A dimension of a query's weighted sum, behind attend().
fn mixed(q: u32, dim: u32) -> f32 {
  var sum = 0.0;
  for (var part = 0u; part < 256u / HEAD_DIM; part++) {
    let share = sums[q * 64u + part * (HEAD_DIM / 4u) + dim / 4u][dim % 4u];
    sum = select(sum + share, share, part == 0u);
  }
  return sum;
}

// Looks at `keys` keys from `start` on, the first of a chunk. Returns the largest score of the thread's query and the sum of its weights.
// mixed() wants a barrier behind it, and another call none behind mixed().
fn attend(tile: Tile, start: u32, keys: u32, thread: u32) -> vec2<f32> {
  for (var key = thread; key < keys; key += THREADS) {
    put_scores(tile, start + key, key);
  }
  workgroupBarrier();
  let q = query_of(tile, thread);
  let oldest = tile.oldest[q];
  let newest = tile.newest[q];
  let factor = SCALE * query_scale(tile.heads[q]);
  var top = LOWEST;
  for (var i = thread; i < keys * tile.width; i += THREADS) {
    let position = start + i / tile.width;
    top = max(top, select(LOWEST, scores[i] * factor, oldest <= position && position <= newest));
  }
  group_values[thread] = top;
  workgroupBarrier();
  for (var i = q; i < THREADS; i += tile.width) {
    top = max(top, group_values[i]);
  }
  for (var i = thread; i < keys * tile.width; i += THREADS) {
    let position = start + i / tile.width;
    let weight = select(0.0, exp(fma(scores[i], factor, -top)), oldest <= position && position <= newest);
    key_weights[i] = weight;
    scores[i] = weight * value_scale((KV_HEADS + tile.kv_head) * CONTEXT + slot_of(tile, q, position));
  }
  workgroupBarrier();
  for (var i = thread; i < 8u * tile.width; i += THREADS) {
    var sum = 0.0;
    for (var key = i / tile.width * 16u; key < min(i / tile.width * 16u + 16u, keys); key++) {
      sum += key_weights[key * tile.width + q];
    }
    group_values[i] = sum;
  }
  for (var lane = thread; lane < 64u; lane += THREADS) {
    mix(tile, start, keys, lane);
  }
  workgroupBarrier();
  var total = 0.0;
  for (var i = q; i < 8u * tile.width; i += tile.width) {
    total += group_values[i];
  }
  return vec2<f32>(top, total);
}
