// Which of a row's tokens a filter keeps, without sorting: all those from a threshold up. It is found among whole numbers that keep the
// order of floats, by histograms of 256 bins, each of them within one bin of the last.

// The same order as the floats', both zeros alike.
fn order_of(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  return select(select(bits | 0x80000000u, ~bits, bits > 0x80000000u), 0x80000000u, bits == 0x80000000u);
}

fn float_of(order: u32) -> f32 {
  return bitcast<f32>(select(~order, order & 0x7fffffffu, order >= 0x80000000u));
}

// This thread's next token whose order is at least `lowest` and at most `span` more. It has a loop of its own because threads that go in
// step do the dear work that follows for as long as any of them has it to do.
fn next_token(start: u32, lowest: u32, span: u32) -> u32 {
  var token = start;
  // Below `lowest` the difference wraps, and is too large.
  while (token < LIVE && order_of(logits[row_start + token]) - lowest > span) {
    token += THREADS;
  }
  return token;
}

struct Search {
  lowest: u32, // the threshold is at least this
  span: u32, // and at most this much more
  above: vec2<u32>, // weight of what lies above that
  wanted: vec2<u32>, // weight that must lie at or above the threshold
  done: bool,
}
var<workgroup> search: Search;
var<workgroup> bin_count: array<atomic<u32>, 256>; // by mass only
var<workgroup> bin_high: array<atomic<u32>, 256>;
var<workgroup> bin_low: array<atomic<u32>, 256>;
var<workgroup> group_weight: array<vec2<u32>, 16>;

fn bin_weight(bin: u32) -> vec2<u32> {
  return carried(atomicLoad(&bin_high[bin]), atomicLoad(&bin_low[bin]));
}

// Goes down the groups of bins, and then the bins, to the one in which the wanted weight is reached. One thread does this.
fn narrow(shift: u32) {
  var above = vec2<u32>();
  var reached = search.above;
  var group = 16u;
  loop {
    group--;
    above = reached;
    reached = add_wide(above, group_weight[group]);
    if (group == 0u || !less_wide(reached, search.wanted)) {
      break;
    }
  }
  reached = above;
  var bin = group * 16u + 16u;
  loop {
    bin--;
    above = reached;
    reached = add_wide(above, bin_weight(bin));
    if (bin == group * 16u || !less_wide(reached, search.wanted)) {
      break;
    }
  }
  search.lowest += bin << shift;
  search.span = (1u << shift) - 1u;
  search.above = above;
  // A bin whose every token is needed, or that has only one, needs no closer look.
  search.done = shift == 0u || all(reached == search.wanted) || atomicLoad(&bin_count[bin]) == 1u;
}

// The largest order at or above which there lie `wanted` tokens or, by mass, the share top_p of all mass from `lowest` up.
fn threshold(lowest: u32, highest: u32, wanted: u32, by_mass: bool, lane: u32) -> u32 {
  if (lane == 0u) {
    search = Search(lowest, highest - lowest, vec2<u32>(), carried(0u, wanted), false);
  }
  var now = workgroupUniformLoad(&search);
  for (var first = true; !now.done; first = false) {
    for (var bin = lane; bin < 256u; bin += THREADS) {
      atomicStore(&bin_count[bin], 0u);
      atomicStore(&bin_high[bin], 0u);
      atomicStore(&bin_low[bin], 0u);
    }
    workgroupBarrier();
    let shift = 24u - min(24u, countLeadingZeros(now.span));
    for (var token = next_token(lane, now.lowest, now.span); token < LIVE; token = next_token(token + THREADS, now.lowest, now.span)) {
      let x = logits[row_start + token];
      let bin = (order_of(x) - now.lowest) >> shift;
      var weight = 1u;
      if (by_mass) {
        weight = mass(float_of(highest) - x);
        atomicAdd(&bin_count[bin], 1u);
        atomicAdd(&bin_high[bin], weight >> LOW_BITS);
      }
      atomicAdd(&bin_low[bin], weight & LOW_MASK);
    }
    workgroupBarrier();
    if (lane < 16u) {
      var sum = vec2<u32>();
      for (var bin = lane * 16u; bin < lane * 16u + 16u; bin++) {
        sum = add_wide(sum, bin_weight(bin));
      }
      group_weight[lane] = sum;
    }
    workgroupBarrier();
    if (lane == 0u) {
      if (by_mass && first) {
        var all_mass = vec2<u32>();
        for (var group = 0u; group < 16u; group++) {
          all_mass = add_wide(all_mass, group_weight[group]);
        }
        search.wanted = share_wide(all_mass, sampling.top_p);
      }
      narrow(shift);
    }
    now = workgroupUniformLoad(&search);
  }
  return now.lowest;
}
