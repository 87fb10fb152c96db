// A few rows of INT8 codes times a matrix of INT8 or INT4 weights, summed in INT32, which is exact in any order, and scaled once at the
// end. LANES threads share the sums of four outputs, so that neighbours read neighbouring vectors of a weight row; every weight is read
// once for ROWS rows. Where the input comes from and how weights are stored are parts of their own.
override INPUT_VECS: u32; // vectors of 16 codes a row
override WORKGROUP: u32; // a workgroup
override LANES: u32; // a power of two; with 1 there is nothing to add up, and no barrier
override ROWS: u32;
override TILE: u32; // input vectors of each row staged at once; at least INPUT_VECS: all
override REPEAT: u32; // how often a workgroup makes 4 * WORKGROUP / LANES outputs of what it has staged
override HEAD: bool; // only the rows that want logits are there

const BATCH = 2u; // rows whose sums are added up at once
// One word of padding keeps threads on different banks.
var<workgroup> partial: array<i32, (WORKGROUP / LANES) * 4u * BATCH * (LANES + 1u)>;

fn add_up(sums: ptr<function, array<vec4<i32>, 16>>, row: u32, rows: u32, first: u32, thread: u32) {
  let lane = thread % LANES;
  let start = (thread / LANES) * 4u * BATCH;
  for (var batch_row = 0u; batch_row < ROWS; batch_row += BATCH) {
    workgroupBarrier();
    for (var i = 0u; i < 4u * BATCH && batch_row + i / 4u < ROWS; i++) {
      partial[(start + i) * (LANES + 1u) + lane] = (*sums)[batch_row + i / 4u][i % 4u];
    }
    workgroupBarrier();
    for (var i = lane; i < 4u * BATCH; i += LANES) {
      let mine = row + batch_row + i / 4u;
      let column = first + i % 4u;
      if (batch_row + i / 4u < ROWS && mine < rows && column < LIVE) {
        var sum = 0;
        for (var j = 0u; j < LANES; j++) {
          sum += partial[(start + i) * (LANES + 1u) + j];
        }
        store(mine, column, sum, input_scale(mine));
      }
    }
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let rows = select(batch.rows, batch.head_rows, HEAD);
  let lane = thread % LANES;
  let row = group.x * ROWS; // rows come first, so that those which share weights run side by side
  // With one lane the rows that are there are counted out, so that a pipeline serves any number; with more, a compiler may unroll.
  let count = select(ROWS, min(ROWS, rows - row), LANES == 1u);
  for (var block = 0u; block < REPEAT; block++) {
    let first = (((group.y * REPEAT + block) * WORKGROUP + thread) / LANES) * 4u;
    // Threads past the edge repeat the last row or output and store nothing.
    let outputs = min(vec4<u32>(first, first + 1u, first + 2u, first + 3u), vec4<u32>(OUTPUTS - 1u));
    var sums = array<vec4<i32>, 16>(); // of which ROWS are used
    for (var start = 0u; start < INPUT_VECS; start += TILE) {
      if (block == 0u || TILE < INPUT_VECS) {
        stage(row, rows, start, thread);
      }
      let end = min(TILE, INPUT_VECS - start);
      for (var k = lane; k < end; k += LANES) {
        let a = expand(weight16(outputs.x, start + k));
        let b = expand(weight16(outputs.y, start + k));
        let c = expand(weight16(outputs.z, start + k));
        let d = expand(weight16(outputs.w, start + k));
        for (var r = 0u; r < count; r++) {
          let x = expand(input16(row, r, rows, start, k));
          sums[r] += vec4<i32>(dot16(x, a), dot16(x, b), dot16(x, c), dot16(x, d));
        }
      }
    }
    if (LANES > 1u) {
      add_up(&sums, row, rows, first, thread);
    } else {
      for (var r = 0u; r < count; r++) {
        for (var i = 0u; i < 4u && first + i < LIVE; i++) {
          store(row + r, first + i, sums[r][i], input_scale(row + r));
        }
      }
    }
  }
}
