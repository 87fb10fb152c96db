// Entry point of a kernel that makes rows, one workgroup a row, rotated (random signs, then Hadamard) and quantised to INT8 with one scale.
// The kernel supplies prepare() and value(). Rows wider than a chunk are computed twice: once for the largest value, once for the codes.
override WIDTH: u32; // values a row, a multiple of BLOCK

@group(0) @binding(8) var<storage, read_write> codes: array<vec4<u32>>; // [rows, ceil(WIDTH / 16)], zeros behind the row
@group(0) @binding(9) var<storage, read_write> scales: array<f32>; // [rows]
@group(0) @binding(10) var<storage, read> signs: array<u32>; // bit i % 32 of word i / 32 set: value i is negated

fn rotated(row: u32, chunk: u32, lane: u32) -> Sixteen {
  var s = Sixteen();
  let first = chunk * 1024u + lane * 16u;
  for (var i = 0u; i < 16u && first + i < WIDTH; i++) {
    let column = first + i;
    let x = value(row, column);
    s[i >> 2u][i & 3u] = select(x, -x, ((signs[column >> 5u] >> (column & 31u)) & 1u) == 1u);
  }
  return hadamard(s, lane);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.x;
  let chunks = (WIDTH + 1023u) / 1024u;
  let words = (WIDTH + 15u) / 16u;
  prepare(row, lane);

  var s = Sixteen();
  var largest = 0.0;
  var inverse_scale = 0.0;
  // Every chunk for the largest value, then every chunk for the codes; a single chunk is still at hand.
  for (var step = 0u; step < 2u * chunks; step++) {
    if (step == chunks) {
      largest = reduce_max(largest, lane);
      inverse_scale = select(0.0, 127.0 / largest, largest > 0.0);
      if (lane == 0u) {
        scales[row] = select(1.0, largest * (inverseSqrt(f32(BLOCK)) / 127.0), largest > 0.0);
      }
    }
    if (step == 0u || chunks > 1u) {
      s = rotated(row, step % chunks, lane);
    }
    if (step < chunks) {
      for (var i = 0u; i < 4u; i++) {
        let m = abs(s[i]);
        largest = max(largest, max(max(m.x, m.y), max(m.z, m.w)));
      }
    } else {
      let word = (step - chunks) * 64u + lane;
      if (word < words) {
        var packed = vec4<u32>();
        for (var i = 0u; i < 4u; i++) {
          packed[i] = quantize4(s[i], inverse_scale);
        }
        codes[row * words + word] = packed;
      }
    }
  }
}
