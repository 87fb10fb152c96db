// Looks up one row of the embedding table a token, widened to f32.
override WIDTH: u32; // a multiple of 4
override FIRST: u32; // token of the table's first row
override COUNT: u32; // rows of the table; other tokens are for other parts of it

@group(0) @binding(1) var<storage, read> tokens: array<u32>; // [rows]
@group(0) @binding(8) var<storage, read_write> output: array<vec4<f32>>; // [rows, WIDTH / 4]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.x;
  let table_row = tokens[row] - FIRST; // of an earlier token it wraps round
  if (table_row >= COUNT) {
    return;
  }
  let vecs = WIDTH / 4u;
  for (var i = lane; i < vecs; i += 64u) {
    output[row * vecs + i] = weight4(table_row * vecs + i);
  }
}
