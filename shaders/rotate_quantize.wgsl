// Rows as they are, on their way into a quantised linear layer.
@group(0) @binding(1) var<storage, read> input: array<f32>; // [rows, WIDTH]

fn prepare(row: u32, lane: u32) {}

fn value(row: u32, column: u32) -> f32 {
  return input[row * WIDTH + column];
}
