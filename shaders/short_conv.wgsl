// LFM2's gated short convolution: with a row split into B, C and x, and z = B * x, the result is C * (causal depthwise convolution of z).
// The state keeps the last TAPS - 1 values of z, oldest first; it is read from one slot and written to the other, so that no row of a pass
// can read what another has just written. Behind a tree follow the tree's own values, row by row, for the next pass to choose from.
override TAPS: u32; // at least 2

@group(0) @binding(1) var<storage, read> input: array<f32>; // [rows, 3 * WIDTH]
@group(0) @binding(2) var<storage, read> taps: array<f32>; // [WIDTH, TAPS], the last one for the current token
@group(0) @binding(3) var<storage, read> bias: array<f32>; // [WIDTH]
@group(0) @binding(4) var<storage, read_write> state: array<f32>; // [2 slots, TAPS - 1 and 16, WIDTH]

fn state_at(slot: u32, entry: u32, column: u32) -> u32 {
  return (slot * (TAPS + 15u) + entry) * WIDTH + column;
}

// z of the token `back` places before the pass's first one.
fn earlier(back: u32, column: u32) -> f32 {
  var entry = TAPS - 1u + batch.accepted - back;
  if (back <= batch.accepted) {
    entry = TAPS - 1u + path_row(batch.accepted_path, batch.accepted - back);
  }
  return state[state_at(batch.state_slot, entry, column)];
}

// z of the token `back` places before a row's, which may lie in an earlier pass.
fn gated_input(row: u32, back: u32, column: u32) -> f32 {
  let depth = depth_of(row);
  if (back > depth) {
    return earlier(back - depth, column);
  }
  let start = ancestor(row, depth - back) * 3u * WIDTH + column;
  return input[start] * input[start + 2u * WIDTH];
}

fn prepare(row: u32, lane: u32) {
  // Each row leaves z in the place where the next pass will look for it; the first row also moves up what is still needed of the old state.
  let next = 1u - batch.state_slot;
  let past = select(batch.rows, 0u, batch.tree == 1u); // rows that are certain, and so are history for the next pass
  for (var column = lane; column < WIDTH; column += THREADS) {
    if (row + TAPS - 1u >= past) {
      state[state_at(next, row + TAPS - 1u - past, column)] = gated_input(row, 0u, column);
    }
    if (row == 0u) {
      for (var age = 0u; age + past < TAPS - 1u; age++) {
        state[state_at(next, age, column)] = earlier(TAPS - 1u - past - age, column);
      }
    }
  }
}

fn value(row: u32, column: u32) -> f32 {
  var sum = bias[column];
  for (var tap = 0u; tap < TAPS; tap++) {
    sum = fma(taps[column * TAPS + tap], gated_input(row, TAPS - 1u - tap, column), sum);
  }
  return input[row * 3u * WIDTH + WIDTH + column] * sum;
}
