// Draws a token for each row that wants one, in the order of Hugging Face's generate(): penalties, temperature, top-k, top-p, min-p, then
// the largest of score + Gumbel noise; for a drafter the next largest too. One workgroup makes one row. Every sum is of whole numbers, so
// neither the number of threads nor the rows beside it can change what is drawn.
override VOCABULARY: u32; // logits a row, at most 262,144
override LIVE: u32; // tokens from here on are never drawn
override THREADS: u32; // at least 16
override CANDIDATES: u32; // that are wanted of a row, the best first; at most 4

struct Sampling {
  seed: vec2<u32>,
  inverse_temperature: f32, // 0: the best token, without noise
  log_min_p: f32, // how far below the best a score may be
  repetition: f32,
  inverse_repetition: f32,
  presence: f32,
  frequency: f32,
  top_k: u32, // 0: off
  top_p: u32, // in units of 2^-24; 0: off
}
@group(0) @binding(1) var<uniform> sampling: Sampling;
@group(0) @binding(2) var<storage, read_write> logits: array<f32>; // [head rows, VOCABULARY]; left penalised and scaled
@group(0) @binding(3) var<storage, read_write> counts: array<u32>; // [VOCABULARY]; how often in the reply, and bit 31 if in the prompt
@group(0) @binding(4) var<storage, read_write> sampled: array<u32>; // [head rows, CANDIDATES]; NONE where the filters left no more
@group(0) @binding(5) var<storage, read> tokens: array<u32>; // [rows]

const NONE = 0xffffffffu;

var<private> row_start: u32;

fn penalised(logit: f32, count: u32) -> f32 {
  if (count == 0u) {
    return logit;
  }
  let repeated = logit * select(sampling.repetition, sampling.inverse_repetition, logit > 0.0);
  let times = count & 0x7fffffffu;
  return fma(-sampling.frequency, f32(times), repeated - select(0.0, sampling.presence, times > 0u));
}

// How often a token stands on a row's way from the root of its tree, which is itself counted already.
fn times_on_path(row: u32, token: u32) -> u32 {
  var times = 0u;
  for (var depth = 1u; depth <= depth_of(row); depth++) {
    times += select(0u, 1u, tokens[ancestor(row, depth)] == token);
  }
  return times;
}

// A set of 32 that holds token % 32 of each of them, so that few others have to be looked for.
fn path_set(row: u32) -> u32 {
  var members = 0u;
  for (var depth = 1u; depth <= depth_of(row); depth++) {
    members |= 1u << (tokens[ancestor(row, depth)] & 31u);
  }
  return members;
}

// The best that this thread has seen, best first, equal ones by the lower token.
var<private> leading_orders: array<u32, 4>;
var<private> leading_tokens: array<u32, 4>;

fn offer(order: u32, token: u32) {
  var place = CANDIDATES;
  while (place > 0u && order > leading_orders[place - 1u]) {
    place--;
  }
  if (place < CANDIDATES) {
    for (var i = CANDIDATES - 1u; i > place; i--) {
      leading_orders[i] = leading_orders[i - 1u];
      leading_tokens[i] = leading_tokens[i - 1u];
    }
    leading_orders[place] = order;
    leading_tokens[place] = token;
  }
}

var<workgroup> best_order: atomic<u32>;
var<workgroup> best_token: atomic<u32>;
var<workgroup> best: vec2<u32>;

// The largest order of the workgroup, and the lowest token that has it.
fn reduce_best(order: u32, token: u32, lane: u32) -> vec2<u32> {
  if (lane == 0u) {
    atomicStore(&best_order, 0u);
    atomicStore(&best_token, LIVE - 1u);
  }
  workgroupBarrier();
  atomicMax(&best_order, order);
  workgroupBarrier();
  if (atomicLoad(&best_order) == order) {
    atomicMin(&best_token, token);
  }
  workgroupBarrier();
  if (lane == 0u) {
    best = vec2<u32>(atomicLoad(&best_order), atomicLoad(&best_token));
  }
  return workgroupUniformLoad(&best);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.x;
  row_start = row * VOCABULARY;
  let node = batch.rows - batch.head_rows + row;
  let greedy = sampling.inverse_temperature == 0.0;
  let penalties = sampling.repetition != 1.0 || sampling.presence != 0.0 || sampling.frequency != 0.0;

  var on_path = 0u;
  if (penalties && batch.tree == 1u) {
    on_path = path_set(node);
  }
  for (var i = lane; i < LIVE; i += THREADS) {
    var x = logits[row_start + i];
    if (penalties) {
      var count = counts[i];
      if (((on_path >> (i & 31u)) & 1u) == 1u) {
        count += times_on_path(node, i);
      }
      x = penalised(x, count);
    }
    if (!greedy) {
      x *= sampling.inverse_temperature;
      logits[row_start + i] = x;
    }
    offer(order_of(x), i);
  }
  var chosen = reduce_best(leading_orders[0], leading_tokens[0], lane);

  if (!greedy) {
    storageBarrier();
    let highest = chosen.x;
    let largest = float_of(highest);
    var lowest = 0u;
    // Top-k, then top-p; a single call for both keeps the compiled shader small.
    for (var by_mass = false; ; by_mass = true) {
      let needed = select(sampling.top_k != 0u && sampling.top_k < LIVE, sampling.top_p != 0u, by_mass);
      if (needed) {
        let reach = select(0u, order_of(largest - MASS_REACH), by_mass);
        lowest = threshold(max(lowest, reach), highest, sampling.top_k, by_mass, lane);
      }
      if (by_mass) {
        break;
      }
    }
    lowest = max(lowest, order_of(largest + sampling.log_min_p));

    let position = batch.position + depth_of(node) + 1u;
    leading_orders = array<u32, 4>();
    for (var i = next_token(lane, lowest, highest - lowest); i < LIVE; i = next_token(i + THREADS, lowest, highest - lowest)) {
      let words = philox(sampling.seed, vec4<u32>(i >> 2u, position, 0u, 0u));
      offer(order_of((logits[row_start + i] - largest) + gumbel(words[i & 3u])), i);
    }
    chosen = reduce_best(leading_orders[0], leading_tokens[0], lane);
  }

  if (lane == 0u) {
    sampled[row * CANDIDATES] = chosen.y;
    // Alone in its pass, a token is counted here, because the next pass may be submitted before the host has read it. What is kept of a
    // tree is for the host to say.
    if (batch.head_rows == 1u && batch.tree == 0u) {
      counts[chosen.y] += 1u;
    }
  }
  for (var next = 1u; next < CANDIDATES; next++) {
    // Whose best was chosen goes on with its second best.
    if (leading_tokens[0] == chosen.y && leading_orders[0] > 0u) {
      for (var i = 1u; i < CANDIDATES; i++) {
        leading_orders[i - 1u] = leading_orders[i];
        leading_tokens[i - 1u] = leading_tokens[i];
      }
      leading_orders[CANDIDATES - 1u] = 0u;
    }
    chosen = reduce_best(leading_orders[0], leading_tokens[0], lane);
    if (lane == 0u) {
      sampled[row * CANDIDATES + next] = select(NONE, chosen.y, chosen.x > 0u);
    }
  }
}
