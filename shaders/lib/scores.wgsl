// From logits to scores: penalties, then the temperature.
@group(0) @binding(5) var<storage, read> tokens: array<u32>; // [rows]

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

// Leaves the scores of the tokens from `first` up to `end` where their logits were, and offers them. Returns the best, its order first.
fn make_scores(row: u32, first: u32, end: u32, lane: u32) -> vec2<u32> {
  let penalties = sampling.repetition != 1.0 || sampling.presence != 0.0 || sampling.frequency != 0.0;
  var on_path = 0u;
  if (penalties && batch.tree == 1u) {
    on_path = path_set(row);
  }
  for (var i = first + lane; i < end; i += THREADS) {
    var x = logits[row_start + i];
    if (penalties) {
      var count = counts[i];
      if (((on_path >> (i & 31u)) & 1u) == 1u) {
        count += times_on_path(row, i);
      }
      x = penalised(x, count);
    }
    if (!is_greedy()) {
      x *= sampling.inverse_temperature;
    }
    if (penalties || !is_greedy()) {
      logits[row_start + i] = x;
    }
    offer(order_of(x), i);
  }
  return reduce_best(leading_orders[0], leading_tokens[0], lane);
}
