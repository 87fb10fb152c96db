// The sums of four outputs of a row that LANES threads share, added up and stored by these.

// One word of padding keeps threads on different banks.
var<workgroup> partial: array<i32, (WORKGROUP / LANES) * 4u * (LANES + 1u)>;

fn finish(row: u32, first: u32, sums: vec4<i32>, thread: u32) {
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
    store(row, first + i, sum, row_scale(row));
  }
}
