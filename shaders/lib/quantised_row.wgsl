// A row on its way to INT8 codes, by a workgroup: rotated (random signs, then Hadamard) and quantised with one scale. The kernel supplies
// load(), which puts values into the workspace, zeros behind the row, each place by the thread that would take it in turn or with a
// barrier behind, and put_codes(), which takes four codes of a row. Rows wider than the workspace are computed twice: for the largest
// value, and for the codes.
override WIDTH: u32; // values a row, a multiple of BLOCK

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

// Gives the row's scale to every thread; once a workgroup.
fn quantise_row(row: u32, lane: u32) -> f32 {
  let chunks = (WIDTH + SIZE - 1u) / SIZE;
  let words = (WIDTH + 15u) / 16u * 4u;
  var largest = 0.0;
  var inverse_scale = 0.0;
  // Every chunk for the largest value, then every chunk for the codes; a single chunk is still at hand.
  for (var step = 0u; step < 2u * chunks; step++) {
    if (step == chunks) {
      atomicMax(&largest_bits, bitcast<u32>(largest));
      workgroupBarrier();
      largest = bitcast<f32>(atomicLoad(&largest_bits));
      inverse_scale = select(0.0, 127.0 / largest, largest > 0.0);
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
        put_codes(row, word, quantize4(v, inverse_scale));
      }
    }
  }
  return select(1.0, largest * (inverseSqrt(f32(BLOCK)) / 127.0), largest > 0.0);
}
