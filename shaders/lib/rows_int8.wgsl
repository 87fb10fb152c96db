// Entry point of a kernel that makes rows of INT8 codes, one workgroup a row; see quantised_row.wgsl. The kernel supplies prepare() and
// load().
@group(0) @binding(8) var<storage, read_write> codes: array<u32>; // four a word, [rows, ceil(WIDTH / 16) * 4], zeros behind the row
@group(0) @binding(9) var<storage, read_write> scales: array<f32>; // [rows]

fn put_codes(row: u32, word: u32, four: u32) {
  codes[row * ((WIDTH + 15u) / 16u * 4u) + word] = four;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.x;
  prepare(row, lane);
  let scale = quantise_row(row, lane);
  if (lane == 0u) {
    scales[row] = scale;
  }
}
