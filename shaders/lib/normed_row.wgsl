// Root-mean-square normalisation of a row: x * weight / sqrt(mean(x * x) + EPSILON). The squares are added up in sixty-four sums,
// however many threads there are, so that the whole has one order.
override EPSILON: f32;

@group(0) @binding(1) var<storage, read> input: array<f32>; // [rows, WIDTH]
@group(0) @binding(2) var<storage, read> weight: array<f32>; // [WIDTH]

var<private> inverse_rms: f32;
var<private> row_start: u32;

// Before value(); a barrier is in it.
fn norm_row(row: u32, lane: u32) {
  row_start = row * WIDTH;
  for (var part = lane; part < 64u; part += THREADS) {
    var squares = 0.0;
    for (var i = part; i < WIDTH; i += 64u) {
      let x = input[row_start + i];
      squares = fma(x, x, squares);
    }
    reduce_values[part] = squares;
  }
  inverse_rms = inverseSqrt(reduce_sum(lane) / f32(WIDTH) + EPSILON);
}

fn value(row: u32, column: u32) -> f32 {
  return input[row_start + column] * inverse_rms * weight[column];
}
