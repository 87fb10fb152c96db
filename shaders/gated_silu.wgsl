// The middle of a gated feed-forward layer: silu(gate) * up, where a row is the gate's values followed by up's.
@group(0) @binding(1) var<storage, read> input: array<f32>; // [rows, 2 * WIDTH]

fn prepare(row: u32, lane: u32) {}

fn value(row: u32, column: u32) -> f32 {
  let gate = input[row * 2u * WIDTH + column];
  let up = input[(row * 2u + 1u) * WIDTH + column];
  return gate / (1.0 + exp(-gate)) * up;
}
