// First of the dispatches that share a row: the scores of a slice, and what the last one must know to leave most slices aside.
fn draw(row: u32, slice: u32, lane: u32) {
  let node = batch.rows - batch.head_rows + row;
  let first = slice * SLICE;
  let end = min(first + SLICE, LIVE);
  var found = Slice(make_scores(node, first, end, lane).x, 0u, 0u);
  if (has_thresholds()) {
    // Nothing is known yet of which tokens stay.
    let words = LEVELS * TALLY;
    for (var i = slice * THREADS + lane; i < words; i += slices_of_row() * THREADS) {
      atomicStore(&tallies[row * words + i], 0u);
    }
  } else if (!is_greedy()) {
    // The row's best is not known yet, so scores are taken from the slice's best. Of the tokens that min-p will keep, none is left out.
    storageBarrier();
    forget_offers();
    offer_drawn(node, first, end, order_of(float_of(found.highest) + sampling.log_min_p), found.highest, lane);
    let drawn = take_best(lane);
    found.drawn = drawn.x;
    found.score = order_of(logits[row_start + drawn.y]);
  }
  if (lane == 0u) {
    slices[row * slices_of_row() + slice] = found;
  }
}
