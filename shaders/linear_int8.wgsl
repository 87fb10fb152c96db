// INT8 rows times an INT8 matrix, summed in INT32, which is exact in any order, and scaled once at the end. LANES threads share the sums
// of four outputs; a workgroup of 64 threads makes 256 / LANES outputs for ROWS rows (1 or 4), reading each weight once.
override INPUT_VECS: u32; // vectors of 16 codes a row
override OUTPUTS: u32;
override LANES: u32; // a power of two, at most 64
override ROWS: u32;
override ACCUMULATE: bool; // add to what the output holds
override HEAD: bool; // only the rows that want logits are there

@group(0) @binding(1) var<storage, read> codes: array<vec4<u32>>; // [rows, INPUT_VECS]
@group(0) @binding(2) var<storage, read> scales: array<f32>; // [rows]
@group(0) @binding(3) var<storage, read> weight: array<vec4<u32>>; // [OUTPUTS, INPUT_VECS]
@group(0) @binding(4) var<storage, read> weight_scales: array<f32>; // [OUTPUTS]
@group(0) @binding(5) var<storage, read> bias: array<f32>; // at least [OUTPUTS]
@group(0) @binding(6) var<storage, read_write> output: array<f32>; // [rows, OUTPUTS]

var<workgroup> partial: array<vec4<i32>, 64u * ROWS>;

fn store(row: u32, column: u32, sum: i32) {
  let at = row * OUTPUTS + column;
  let y = fma(f32(sum) * scales[row], weight_scales[column], bias[column]);
  if (ACCUMULATE) {
    output[at] = output[at] + y;
  } else {
    output[at] = y;
  }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let rows = select(batch.rows, batch.head_rows, HEAD);
  let lane = thread % LANES;
  let first = ((group.y * 64u + thread) / LANES) * 4u;
  let row = group.x * ROWS; // rows come first, so that those which share weights run side by side
  // Threads past the edge repeat the last row or output and store nothing.
  var sums = array<vec4<i32>, 4>();
  for (var k = lane; k < INPUT_VECS; k += LANES) {
    var w = array<vec4<u32>, 4>();
    for (var i = 0u; i < 4u; i++) {
      w[i] = weight[min(first + i, OUTPUTS - 1u) * INPUT_VECS + k];
    }
    for (var r = 0u; r < ROWS; r++) {
      let x = codes[min(row + r, rows - 1u) * INPUT_VECS + k];
      for (var i = 0u; i < 4u; i++) {
        sums[r][i] += dot16(x, w[i]);
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
      for (var i = 0u; i < 4u && first + i < OUTPUTS; i++) {
        store(row + r, first + i, sum[i]);
      }
    }
  }
}
