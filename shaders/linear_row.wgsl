// One row of INT8 codes times a matrix of INT8 or INT4 weights, exactly as linear_int8.wgsl multiplies several. LANES threads share the
// sums of four outputs, so that neighbours read neighbouring vectors of a weight row. Where the row comes from is a part of its own.
override INPUT_VECS: u32; // vectors of 16 codes
override WORKGROUP: u32; // threads of a workgroup
override LANES: u32; // a power of two; with 1 there is nothing to add up
override REPEAT: u32; // how often a workgroup makes 4 * WORKGROUP / LANES outputs of the row that it has

// One word of padding keeps threads on different banks.
var<workgroup> partial: array<i32, (WORKGROUP / LANES) * 4u * (LANES + 1u)>;

fn add_up(sums: vec4<i32>, first: u32, thread: u32) {
  let lane = thread % LANES;
  let start = (thread / LANES) * 4u;
  workgroupBarrier();
  for (var i = 0u; i < 4u; i++) {
    partial[(start + i) * (LANES + 1u) + lane] = sums[i];
  }
  workgroupBarrier();
  for (var i = lane; i < 4u && first + i < LIVE; i += LANES) {
    var sum = 0;
    for (var j = 0u; j < LANES; j++) {
      sum += partial[(start + i) * (LANES + 1u) + j];
    }
    store(0u, first + i, sum, row_scale());
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  stage(thread);
  for (var block = 0u; block < REPEAT; block++) {
    let first = (((group.y * REPEAT + block) * WORKGROUP + thread) / LANES) * 4u;
    // Threads past the edge repeat the last output and store nothing.
    let outputs = min(vec4<u32>(first, first + 1u, first + 2u, first + 3u), vec4<u32>(OUTPUTS - 1u));
    var sums = vec4<i32>();
    for (var k = thread % LANES; k < INPUT_VECS; k += LANES) {
      let x = expand(row16(k));
      sums.x += dot16(x, expand(weight16(outputs.x, k)));
      sums.y += dot16(x, expand(weight16(outputs.y, k)));
      sums.z += dot16(x, expand(weight16(outputs.z, k)));
      sums.w += dot16(x, expand(weight16(outputs.w, k)));
    }
    if (LANES > 1u) {
      add_up(sums, first, thread);
    } else {
      for (var i = 0u; i < 4u && first + i < LIVE; i++) {
        store(0u, first + i, sums[i], row_scale());
      }
    }
  }
}
