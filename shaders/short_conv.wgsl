// LFM2's gated short convolution: with a row split into B, C and x, and z = B * x, the result is C * (causal depthwise convolution of z).
// The state keeps the last TAPS - 1 values of z, oldest first; it is read from one slot and written to the other, so that no row of a pass
// can read what another has just written. Behind a tree follow the tree's own values, row by row, for the next pass to choose from.
override TAPS: u32; // at least 2

@group(0) @binding(1) var<storage, read> input: array<f32>; // [rows, 3 * WIDTH]
@group(0) @binding(2) var<storage, read> taps: array<f32>; // [WIDTH, TAPS], the last one for the current token
@group(0) @binding(3) var<storage, read> bias: array<f32>; // [WIDTH]
@group(0) @binding(4) var<storage, read_write> state: array<f32>; // [2 slots, TAPS - 1 and 16, WIDTH]

var<workgroup> starts: array<u32, TAPS>; // where each tap finds its token: z in the state, or its row of the input
var<private> earlier_taps: u32; // the first ones, whose tokens were in earlier passes

fn state_start(slot: u32, entry: u32) -> u32 {
  return (slot * (TAPS + 15u) + entry) * WIDTH;
}

// Where z of the token `back` places before the pass's first one starts.
fn earlier_start(back: u32) -> u32 {
  var entry = TAPS - 1u + batch.accepted - back;
  if (back <= batch.accepted) {
    entry = TAPS - 1u + path_row(batch.accepted_path, batch.accepted - back);
  }
  return state_start(batch.state_slot, entry);
}

// z of a row that starts there.
fn gated_input(start: u32, column: u32) -> f32 {
  return input[start + column] * input[start + 2u * WIDTH + column];
}

// Each row leaves z in the place where the next pass will look for it; the first row also moves up what is still needed of the old state.
fn keep(row: u32, lane: u32) {
  let next = 1u - batch.state_slot;
  let past = select(batch.rows, 0u, batch.tree == 1u); // rows that are certain, and so are history for the next pass
  if (row + TAPS - 1u >= past) {
    let kept = state_start(next, row + TAPS - 1u - past);
    for (var column = lane; column < WIDTH; column += THREADS) {
      state[kept + column] = gated_input(row * 3u * WIDTH, column);
    }
  }
  for (var age = 0u; row == 0u && age + past < TAPS - 1u; age++) {
    let moved = earlier_start(TAPS - 1u - past - age);
    for (var column = lane; column < WIDTH; column += THREADS) {
      state[state_start(next, age) + column] = state[moved + column];
    }
  }
}

// What is the same for all columns is asked once: software takes both ways of every question.
fn prepare(row: u32, lane: u32) {
  let depth = depth_of(row);
  earlier_taps = TAPS - 1u - min(depth, TAPS - 1u);
  for (var tap = lane; tap < TAPS; tap += THREADS) {
    let back = TAPS - 1u - tap;
    if (tap < earlier_taps) {
      starts[tap] = earlier_start(back - depth);
    } else {
      starts[tap] = ancestor(row, depth - back) * 3u * WIDTH;
    }
  }
  keep(row, lane);
  workgroupBarrier();
}

fn value(row: u32, column: u32) -> f32 {
  var sum = bias[column];
  for (var tap = 0u; tap < earlier_taps; tap++) {
    sum = fma(taps[column * TAPS + tap], state[starts[tap] + column], sum);
  }
  for (var tap = earlier_taps; tap < TAPS; tap++) {
    sum = fma(taps[column * TAPS + tap], gated_input(starts[tap], column), sum);
  }
  return input[row * 3u * WIDTH + WIDTH + column] * sum;
}
