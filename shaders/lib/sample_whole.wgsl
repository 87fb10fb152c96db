// A whole row by one workgroup.
fn draw(row: u32, slice: u32, lane: u32) {
  let node = batch.rows - batch.head_rows + row;
  let highest = make_scores(node, 0u, LIVE, lane).x;
  if (!is_greedy()) {
    storageBarrier();
    var now = first_search(highest, lane);
    while (now.kind != OVER) {
      tally(now, 0u, LIVE, lane);
      now = narrow(lane);
    }
    forget_offers();
    offer_drawn(node, 0u, LIVE, max(now.lowest, order_of(float_of(highest) + sampling.log_min_p)), highest, lane);
  }
  deliver(row, lane);
}
