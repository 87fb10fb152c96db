// Root-mean-square normalisation of a row: x * weight / sqrt(mean(x * x) + EPSILON). Sixty-four threads add the squares up, however many
// there are, so that the sum has one order.
override EPSILON: f32;

@group(0) @binding(1) var<storage, read> input: array<f32>; // [rows, WIDTH]
@group(0) @binding(2) var<storage, read> weight: array<f32>; // [WIDTH]

var<private> inverse_rms: f32;
var<private> row_start: u32;

// Before value(); a barrier is in it.
fn norm_row(row: u32, lane: u32) {
  row_start = row * WIDTH;
  var squares = 0.0;
  if (lane < 64u) {
    for (var i = lane; i < WIDTH; i += 64u) {
      let x = input[row_start + i];
      squares = fma(x, x, squares);
    }
  }
  inverse_rms = inverseSqrt(reduce_sum(squares, lane) / f32(WIDTH) + EPSILON);
}

fn value(row: u32, column: u32) -> f32 {
  return input[row_start + column] * inverse_rms * weight[column];
}
