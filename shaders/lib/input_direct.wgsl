// Input codes read from memory where they are needed: no workgroup memory and no barriers.
@group(0) @binding(1) var<storage, read> codes: array<vec4<u32>>; // [rows, INPUT_VECS]
@group(0) @binding(2) var<storage, read> scales: array<f32>; // [rows]

fn stage(first_row: u32, rows: u32, start: u32, thread: u32) {}

fn input16(first_row: u32, r: u32, rows: u32, start: u32, k: u32) -> vec4<u32> {
  return codes[min(first_row + r, rows - 1u) * INPUT_VECS + start + k];
}

fn input_scale(row: u32) -> f32 {
  return scales[row];
}
