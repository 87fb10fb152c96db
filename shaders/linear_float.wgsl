// f32 rows times a matrix of bf16, f16 or f32 weights. LANES threads share the sums of four outputs, each sum running over the same inputs
// in the same order whatever ROWS is (1 or 4), so that a row's result does not depend on the rows beside it.
override INPUTS: u32; // a multiple of 4
override OUTPUTS: u32; // rows of the matrix
override LIVE: u32; // of these, the first ones that are wanted
override COLUMNS: u32; // of the output
override FIRST: u32; // the column that the matrix's first row makes
override LANES: u32; // a power of two, at most 64; the same for all passes, since it sets the order of the sums
override ROWS: u32;
override ACCUMULATE: bool; // add to what the output holds
override HEAD: bool; // only the rows that want logits are there

@group(0) @binding(1) var<storage, read> input: array<vec4<f32>>; // [rows, INPUTS / 4]
@group(0) @binding(5) var<storage, read> bias: array<f32>; // at least [COLUMNS]
@group(0) @binding(6) var<storage, read_write> output: array<f32>; // [rows, COLUMNS]

var<workgroup> partial: array<vec4<f32>, 64u * ROWS>;

// Adds four inputs times their weights, input after input.
fn accumulate(sum: f32, x: vec4<f32>, w: vec4<f32>) -> f32 {
  return fma(x.w, w.w, fma(x.z, w.z, fma(x.y, w.y, fma(x.x, w.x, sum))));
}

fn store(row: u32, matrix_row: u32, sum: f32) {
  let column = FIRST + matrix_row;
  let at = row * COLUMNS + column;
  let y = sum + bias[column];
  if (ACCUMULATE) {
    output[at] = output[at] + y;
  } else {
    output[at] = y;
  }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let rows = select(batch.rows, batch.head_rows, HEAD);
  let vecs = INPUTS / 4u;
  let lane = thread % LANES;
  let first = ((group.y * 64u + thread) / LANES) * 4u;
  let row = group.x * ROWS; // rows come first, so that those which share weights run side by side
  // Threads past the edge repeat the last row or output and store nothing.
  var sums = array<vec4<f32>, 4>();
  for (var k = lane; k < vecs; k += LANES) {
    var w = array<vec4<f32>, 4>();
    for (var i = 0u; i < 4u; i++) {
      w[i] = weight4(min(first + i, OUTPUTS - 1u) * vecs + k);
    }
    for (var r = 0u; r < ROWS; r++) {
      let x = input[min(row + r, rows - 1u) * vecs + k];
      for (var i = 0u; i < 4u; i++) {
        sums[r][i] = accumulate(sums[r][i], x, w[i]);
      }
    }
  }

  let mine = thread * ROWS;
  for (var r = 0u; r < ROWS; r++) {
    partial[mine + r] = sums[r];
  }
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    workgroupBarrier();
    if (lane < step) {
      for (var r = 0u; r < ROWS; r++) {
        partial[mine + r] += partial[mine + step * ROWS + r];
      }
    }
  }
  if (lane == 0u) {
    for (var r = 0u; r < ROWS && row + r < rows; r++) {
      let sum = partial[mine + r];
      for (var i = 0u; i < 4u && first + i < LIVE; i++) {
        store(row + r, first + i, sum[i]);
      }
    }
  }
}
