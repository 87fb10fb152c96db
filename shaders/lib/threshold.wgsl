// Which of a row's tokens top-k and then top-p keep, without sorting: all those from a threshold up. It is found among whole numbers that
// keep the order of floats, by histograms of 256 bins, each of them within one bin of the last, at most four for each of the two.
const BY_COUNT = 0u;
const BY_MASS = 1u;
const OVER = 2u;

struct Search {
  above: vec2<u32>, // weight of what lies above the span
  wanted: vec2<u32>, // weight that must lie at or above the threshold; by mass it is not known before the first histogram
  lowest: u32, // the threshold is at least this
  span: u32, // and at most this much more
  highest: u32, // order of the best
  kind: u32,
}
var<workgroup> search: Search;
var<workgroup> bin_count: array<atomic<u32>, 256>; // by mass only
var<workgroup> bin_high: array<atomic<u32>, 256>;
var<workgroup> bin_low: array<atomic<u32>, 256>;
var<workgroup> group_weight: array<vec2<u32>, 16>;

// Begins the search of this kind, or the next that is asked for. One thread does this.
fn begin_search(kind: u32, lowest: u32, highest: u32) {
  search = Search(vec2<u32>(), vec2<u32>(), lowest, highest - lowest, highest, OVER);
  if (kind == BY_COUNT && counts_tokens()) {
    search.kind = BY_COUNT;
    search.wanted = carried(0u, sampling.top_k);
  } else if (kind < OVER && adds_masses()) {
    search.kind = BY_MASS;
    search.lowest = max(lowest, order_of(float_of(highest) - MASS_REACH));
    search.span = highest - search.lowest;
  }
}

fn shift_of(span: u32) -> u32 {
  return 24u - min(24u, countLeadingZeros(span));
}

// This thread's next token whose order is at least `lowest` and at most `span` more, in a loop of its own as in drawing.wgsl.
fn next_token(start: u32, end: u32, lowest: u32, span: u32) -> u32 {
  var token = start;
  // Below `lowest` the difference wraps, and is too large.
  while (token < end && order_of(logits[row_start + token]) - lowest > span) {
    token += THREADS;
  }
  return token;
}

// The histogram of the tokens from `first` up to `end` that are within the search's span.
fn tally(now: Search, first: u32, end: u32, lane: u32) {
  for (var bin = lane; bin < 256u; bin += THREADS) {
    atomicStore(&bin_count[bin], 0u);
    atomicStore(&bin_high[bin], 0u);
    atomicStore(&bin_low[bin], 0u);
  }
  workgroupBarrier();
  let shift = shift_of(now.span);
  for (var i = next_token(first + lane, end, now.lowest, now.span); i < end; i = next_token(i + THREADS, end, now.lowest, now.span)) {
    let x = logits[row_start + i];
    let bin = (order_of(x) - now.lowest) >> shift;
    var weight = 1u;
    if (now.kind == BY_MASS) {
      weight = mass(float_of(now.highest) - x);
      atomicAdd(&bin_count[bin], 1u);
      atomicAdd(&bin_high[bin], weight >> LOW_BITS);
    }
    atomicAdd(&bin_low[bin], weight & LOW_MASK);
  }
  workgroupBarrier();
}

fn bin_weight(bin: u32) -> vec2<u32> {
  return carried(atomicLoad(&bin_high[bin]), atomicLoad(&bin_low[bin]));
}

// Goes down the groups of bins, and then the bins, to the one in which the wanted weight is reached. Returns that search, or the next.
fn narrow(lane: u32) -> Search {
  if (lane < 16u) {
    var sum = vec2<u32>();
    for (var bin = lane * 16u; bin < lane * 16u + 16u; bin++) {
      sum = add_wide(sum, bin_weight(bin));
    }
    group_weight[lane] = sum;
  }
  workgroupBarrier();
  if (lane == 0u) {
    if (search.kind == BY_MASS && all(search.wanted == vec2<u32>())) {
      var all_mass = vec2<u32>();
      for (var group = 0u; group < 16u; group++) {
        all_mass = add_wide(all_mass, group_weight[group]);
      }
      search.wanted = share_wide(all_mass, sampling.top_p);
    }
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
    let shift = shift_of(search.span);
    search.lowest += bin << shift;
    search.span = (1u << shift) - 1u;
    search.above = above;
    // A bin whose every token is needed, or that has only one, needs no closer look.
    if (shift == 0u || all(reached == search.wanted) || atomicLoad(&bin_count[bin]) == 1u) {
      begin_search(search.kind + 1u, search.lowest, search.highest);
    }
  }
  return workgroupUniformLoad(&search);
}

// The first search of a row whose best has this order.
fn first_search(highest: u32, lane: u32) -> Search {
  if (lane == 0u) {
    begin_search(BY_COUNT, 0u, highest);
  }
  return workgroupUniformLoad(&search);
}
