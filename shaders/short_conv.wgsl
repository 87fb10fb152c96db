// LFM2's gated short convolution: with a row split into B, C and x, and z = B * x, the result is C * (causal depthwise convolution of z).
// The state keeps the last TAPS - 1 values of z, oldest first; it is read from one slot and written to the other, so that no row of a pass
// can read what another has just written.
override TAPS: u32; // at least 2

@group(0) @binding(1) var<storage, read> input: array<f32>; // [rows, 3 * WIDTH]
@group(0) @binding(2) var<storage, read> taps: array<f32>; // [WIDTH, TAPS], the last one for the current token
@group(0) @binding(3) var<storage, read> bias: array<f32>; // [WIDTH]
@group(0) @binding(4) var<storage, read_write> state: array<f32>; // [2 slots, TAPS - 1, WIDTH]

fn state_at(slot: u32, age: u32, column: u32) -> u32 {
  return (slot * (TAPS - 1u) + age) * WIDTH + column;
}

// z of the row `back` rows before `row`, which may lie in an earlier pass.
fn gated_input(row: u32, back: u32, column: u32) -> f32 {
  if (back > row) {
    return state[state_at(batch.state_slot, TAPS - 1u + row - back, column)];
  }
  let start = (row - back) * 3u * WIDTH + column;
  return input[start] * input[start + 2u * WIDTH];
}

fn prepare(row: u32, lane: u32) {
  // Row r leaves z in the place where the next pass will look for it; the first row also moves up what is still needed of the old state.
  let next = 1u - batch.state_slot;
  for (var column = lane; column < WIDTH; column += 64u) {
    if (row + TAPS - 1u >= batch.rows) {
      state[state_at(next, row + TAPS - 1u - batch.rows, column)] = gated_input(row, 0u, column);
    }
    if (row == 0u) {
      for (var age = 0u; age + batch.rows < TAPS - 1u; age++) {
        state[state_at(next, age, column)] = state[state_at(batch.state_slot, age + batch.rows, column)];
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
