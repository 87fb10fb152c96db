// Codes read from memory where they are needed: no workgroup memory and no barriers.
@group(0) @binding(1) var<storage, read> codes: array<vec4<u32>>; // [rows, INPUT_VECS]
@group(0) @binding(2) var<storage, read> scales: array<f32>; // [rows]

fn stage(thread: u32) {}

fn row16(row: u32, k: u32) -> vec4<u32> {
  return codes[row * INPUT_VECS + k];
}

fn row_scale(row: u32) -> f32 {
  return scales[row];
}
