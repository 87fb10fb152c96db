// The codes of one row in workgroup memory.
@group(0) @binding(1) var<storage, read> codes: array<vec4<u32>>; // [INPUT_VECS]
@group(0) @binding(2) var<storage, read> scales: array<f32>; // [1]

var<workgroup> staged: array<vec4<u32>, INPUT_VECS>;

fn stage(thread: u32) {
  for (var k = thread; k < INPUT_VECS; k += WORKGROUP) {
    staged[k] = codes[k];
  }
  workgroupBarrier();
}

fn row16(row: u32, k: u32) -> vec4<u32> {
  return staged[k];
}

fn row_scale(row: u32) -> f32 {
  return scales[0];
}
