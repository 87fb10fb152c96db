// Entry point of a kernel that makes rows, one workgroup a row, rotated (random signs, then Hadamard) and quantised to INT8 with one scale.
// The kernel supplies prepare() and load(), which puts values into the workspace, zeros behind the row, each place by the thread that would
// take it in turn or with a barrier behind. Rows wider than the workspace are computed twice: for the largest value, and for the codes.
override WIDTH: u32; // values a row, a multiple of BLOCK

@group(0) @binding(8) var<storage, read_write> codes: array<u32>; // four a word, [rows, ceil(WIDTH / 16) * 4], zeros behind the row
@group(0) @binding(9) var<storage, read_write> scales: array<f32>; // [rows]
@group(0) @binding(10) var<storage, read> signs: array<u32>; // bit i % 32 of word i / 32 set: value i is negated

fn rotate(row: u32, first: u32, lane: u32) {
  workgroupBarrier(); // whoever read the workspace before is done
  load(row, first, lane);
  for (var i = lane; i < SIZE; i += THREADS) {
    let column = first + i;
    if (((signs[column >> 5u] >> (column & 31u)) & 1u) == 1u) {
      workspace[place(i)] = -workspace[place(i)];
    }
  }
  workgroupBarrier();
  hadamard(lane);
}

var<workgroup> largest_bits: atomic<u32>; // no float here is negative, so their bits have their order

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.x;
  let chunks = (WIDTH + SIZE - 1u) / SIZE;
  let words = (WIDTH + 15u) / 16u * 4u;
  prepare(row, lane);

  var largest = 0.0;
  var inverse_scale = 0.0;
  // Every chunk for the largest value, then every chunk for the codes; a single chunk is still at hand.
  for (var step = 0u; step < 2u * chunks; step++) {
    if (step == chunks) {
      atomicMax(&largest_bits, bitcast<u32>(largest));
      workgroupBarrier();
      largest = bitcast<f32>(atomicLoad(&largest_bits));
      inverse_scale = select(0.0, 127.0 / largest, largest > 0.0);
      if (lane == 0u) {
        scales[row] = select(1.0, largest * (inverseSqrt(f32(BLOCK)) / 127.0), largest > 0.0);
      }
    }
    let first = (step % chunks) * SIZE;
    if (step == 0u || chunks > 1u) {
      rotate(row, first, lane);
    }
    for (var i = lane * 4u; i < SIZE; i += 4u * THREADS) {
      let v = vec4<f32>(workspace[place(i)], workspace[place(i + 1u)], workspace[place(i + 2u)], workspace[place(i + 3u)]);
      let word = (first + i) / 4u;
      if (step < chunks) {
        let m = abs(v);
        largest = max(largest, max(max(m.x, m.y), max(m.z, m.w)));
      } else if (word < words) {
        codes[row * words + word] = quantize4(v, inverse_scale);
      }
    }
  }
}
