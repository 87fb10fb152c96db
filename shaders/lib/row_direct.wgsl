// The codes of one row read from memory where they are needed: no workgroup memory and no barriers.
@group(0) @binding(1) var<storage, read> codes: array<vec4<u32>>; // [INPUT_VECS]
@group(0) @binding(2) var<storage, read> scales: array<f32>; // [1]

fn stage(thread: u32) {}

fn row16(k: u32) -> vec4<u32> {
  return codes[k];
}

fn row_scale() -> f32 {
  return scales[0];
}
