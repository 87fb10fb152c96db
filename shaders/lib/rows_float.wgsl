// Entry point of a kernel that makes rows, one workgroup a row, left as they are. The kernel supplies prepare() and value().
override WIDTH: u32; // values a row
override THREADS: u32; // of a workgroup

@group(0) @binding(8) var<storage, read_write> output: array<f32>; // [rows, WIDTH]

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.x;
  prepare(row, lane);
  for (var i = lane; i < WIDTH; i += THREADS) {
    output[row * WIDTH + i] = value(row, i);
  }
}
