// The sums of four outputs of a row that a thread has made alone. No barrier, not even one that is never reached: that slows SwiftShader
// down.
fn finish(row: u32, first: u32, sums: vec4<i32>, thread: u32) {
  for (var i = 0u; i < 4u && first + i < LIVE; i++) {
    store(row, first + i, sums[i], row_scale(row));
  }
}
