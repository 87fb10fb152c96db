// Looks up one row of the embedding table a token, widened to f32.
override WIDTH: u32; // a multiple of 4

@group(0) @binding(1) var<storage, read> tokens: array<u32>; // [rows]
@group(0) @binding(8) var<storage, read_write> output: array<vec4<f32>>; // [rows, WIDTH / 4]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.x;
  let vecs = WIDTH / 4u;
  for (var i = lane; i < vecs; i += 64u) {
    output[row * vecs + i] = weight4(tokens[row] * vecs + i);
  }
}
