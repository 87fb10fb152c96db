// One row of INT8 codes, or two, times a matrix of INT8 or INT4 weights, exactly as linear_int8.wgsl multiplies several. LANES threads
// share the sums of four outputs, so that neighbours read neighbouring vectors of a weight row. Where rows come from and how sums are
// finished are parts of their own. Two rows are for software, where a loop over rows takes as long as one of them.
override INPUT_VECS: u32; // vectors of 16 codes
override WORKGROUP: u32; // threads of a workgroup
override LANES: u32; // a power of two
override REPEAT: u32; // how often a workgroup makes 4 * WORKGROUP / LANES outputs of the row that it has
override ROWS: u32; // 1, or 2 that a single lane reads from memory

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  stage(thread);
  for (var block = 0u; block < REPEAT; block++) {
    let first = (((group.y * REPEAT + block) * WORKGROUP + thread) / LANES) * 4u;
    // Threads past the edge repeat the last output and store nothing.
    let outputs = min(vec4<u32>(first, first + 1u, first + 2u, first + 3u), vec4<u32>(OUTPUTS - 1u));
    var sums = vec4<i32>();
    var others = vec4<i32>(); // the second row's
    for (var k = thread % LANES; k < INPUT_VECS; k += LANES) {
      let x = expand(row16(0u, k));
      let a = expand(weight16(outputs.x, k));
      let b = expand(weight16(outputs.y, k));
      let c = expand(weight16(outputs.z, k));
      let d = expand(weight16(outputs.w, k));
      sums += vec4<i32>(dot16(x, a), dot16(x, b), dot16(x, c), dot16(x, d));
      if (ROWS == 2u) {
        let y = expand(row16(1u, k));
        others += vec4<i32>(dot16(y, a), dot16(y, b), dot16(y, c), dot16(y, d));
      }
    }
    finish(0u, first, sums, thread);
    if (ROWS == 2u) {
      finish(1u, first, others, thread);
    }
  }
}
