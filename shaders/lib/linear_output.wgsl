// What an integer product does with its sums: scaled once, bias and residual added. One code path for every variant.
override OUTPUTS: u32; // rows of the matrix
override LIVE: u32; // of these, the first ones that are wanted
override COLUMNS: u32; // of the output
override FIRST: u32; // the column that the matrix's first row makes
override ACCUMULATE: bool; // add to what the output holds

@group(0) @binding(4) var<storage, read> weight_scales: array<f32>; // [OUTPUTS]
@group(0) @binding(5) var<storage, read> bias: array<f32>; // at least [COLUMNS]
@group(0) @binding(6) var<storage, read_write> output: array<f32>; // [rows, COLUMNS]

fn store(row: u32, matrix_row: u32, sum: i32, scale: f32) {
  let column = FIRST + matrix_row;
  let at = row * COLUMNS + column;
  let y = fma(f32(sum) * scale, weight_scales[matrix_row], bias[column]);
  if (ACCUMULATE) {
    output[at] = output[at] + y;
  } else {
    output[at] = y;
  }
}
