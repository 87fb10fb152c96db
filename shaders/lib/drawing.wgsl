// Scores with the noise of the position where the token will stand. Four tokens share a Philox block, so they come by four.

// This thread's next four of which one may have an order of at least `lowest`. It has a loop of its own because threads that go in step
// do the dear work that follows for as long as any of them has it to do.
fn next_four(start: u32, end: u32, lowest: u32) -> u32 {
  var token = start;
  while (token < end) {
    // No further than the last: behind it the next row begins, whose workgroup may be writing there.
    let i = row_start + min(vec4<u32>(0u, 1u, 2u, 3u) + token, vec4<u32>(end - 1u));
    if (order_of(max(max(logits[i.x], logits[i.y]), max(logits[i.z], logits[i.w]))) >= lowest) {
      break;
    }
    token += 4u * THREADS;
  }
  return token;
}

// Offers the tokens from `first`, a multiple of four, up to `end` whose order is at least `lowest`; `highest` is the order of the best.
fn offer_drawn(row: u32, first: u32, end: u32, lowest: u32, highest: u32, lane: u32) {
  let position = batch.position + depth_of(row) + 1u;
  for (var token = next_four(first + 4u * lane, end, lowest); token < end; token = next_four(token + 4u * THREADS, end, lowest)) {
    var words = vec4<u32>();
    if (!is_greedy()) {
      words = philox(sampling.seed, vec4<u32>(token >> 2u, position, 0u, 0u));
    }
    for (var i = 0u; i < 4u && token + i < end; i++) {
      var x = logits[row_start + token + i];
      if (order_of(x) >= lowest) {
        if (!is_greedy()) {
          x = (x - float_of(highest)) + gumbel(words[i]);
        }
        offer(order_of(x), token + i);
      }
    }
  }
}
