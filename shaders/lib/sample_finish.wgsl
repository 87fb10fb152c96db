// Last of the dispatches that share a row: draws from the slices that the winners may be in, which are few, with the very sums of a
// workgroup that has the row for itself.
var<workgroup> promising: array<atomic<u32>, 256>; // a bit a slice, of which there are at most 8,192

// The orders between which a slice's largest sum of noise and score is, taken from the row's best; the first is 0 where that is not sure,
// both are where the filters leave nothing of the slice.
fn reach_of(slice: Slice, highest: u32, lowest: u32) -> vec2<u32> {
  if (slice.highest < lowest) {
    return vec2<u32>();
  }
  if (is_greedy()) {
    return vec2<u32>(slice.highest);
  }
  if (has_thresholds()) {
    return vec2<u32>(0u, 0xffffffffu);
  }
  let apart = float_of(highest) - float_of(slice.highest);
  let sum = float_of(slice.drawn) - apart;
  // Far more than roundings can do: each is at most 2^-24 of a score or a sum, and noise is between -3 and 17.
  let slack = (abs(sum) + apart + 64.0) * 0x1p-20;
  return vec2<u32>(select(0u, order_of(sum - slack), slice.score >= lowest), order_of(sum + slack));
}

fn draw(row: u32, slice: u32, lane: u32) {
  let node = batch.rows - batch.head_rows + row;
  let first = row * slices_of_row();
  let highest = highest_of_row(row, lane);
  var lowest = 0u;
  if (has_thresholds()) {
    lowest = search_behind(row, 4u * (u32(counts_tokens()) + u32(adds_masses())) - 1u, lane).lowest;
  }
  if (!is_greedy()) {
    lowest = max(lowest, order_of(float_of(highest) + sampling.log_min_p));
  }
  // At least as many tokens as are wanted reach this.
  for (var i = lane; i < slices_of_row(); i += THREADS) {
    offer(reach_of(slices[first + i], highest, lowest).x, i);
  }
  var sure = 0u;
  for (var i = 0u; i < CANDIDATES; i++) {
    sure = take_best(lane).x;
  }
  for (var i = lane; i < slices_of_row(); i += THREADS) {
    let most = reach_of(slices[first + i], highest, lowest).y;
    if (most > 0u && most >= sure) {
      atomicOr(&promising[i >> 5u], 1u << (i & 31u));
    }
  }
  workgroupBarrier();
  forget_offers();
  for (var i = 0u; i < slices_of_row(); i++) {
    if (((atomicLoad(&promising[i >> 5u]) >> (i & 31u)) & 1u) == 1u) {
      offer_drawn(node, i * SLICE, min(i * SLICE + SLICE, LIVE), lowest, highest, lane);
    }
  }
  deliver(row, lane);
}
