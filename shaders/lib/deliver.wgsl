// Where drawn tokens go.
@group(0) @binding(4) var<storage, read_write> sampled: array<u32>; // [head rows, CANDIDATES]; NONE where the filters left no more

const NONE = 0xffffffffu;

// The best that were offered become a row's candidates.
fn deliver(row: u32, lane: u32) {
  for (var i = 0u; i < CANDIDATES; i++) {
    let chosen = take_best(lane);
    if (lane == 0u) {
      sampled[row * CANDIDATES + i] = select(NONE, chosen.y, i == 0u || chosen.x > 0u);
      // Alone in its pass, a token is counted here, because the next pass may be submitted before the host has read it. What is kept of a
      // tree is for the host to say.
      if (i == 0u && batch.head_rows == 1u && batch.tree == 0u) {
        counts[chosen.y] += 1u;
      }
    }
  }
}
