// Root-mean-square normalisation: x * weight / sqrt(mean(x * x) + EPSILON).
override EPSILON: f32;
override HEAD: bool = false; // normalise only the rows that want logits

@group(0) @binding(1) var<storage, read> input: array<f32>; // [rows, WIDTH]
@group(0) @binding(2) var<storage, read> weight: array<f32>; // [WIDTH]

var<private> inverse_rms: f32;
var<private> row_start: u32;

fn prepare(row: u32, lane: u32) {
  row_start = select(row, batch.rows - batch.head_rows + row, HEAD) * WIDTH;
  var squares = 0.0;
  for (var i = lane; i < WIDTH; i += 64u) {
    let x = input[row_start + i];
    squares = fma(x, x, squares);
  }
  inverse_rms = inverseSqrt(reduce_sum(squares, lane) / f32(WIDTH) + EPSILON);
}

fn value(row: u32, column: u32) -> f32 {
  return input[row_start + column] * inverse_rms * weight[column];
}
