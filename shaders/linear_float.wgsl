// f32 rows times a matrix of bf16, f16 or f32 weights, each of which is read once for ROWS rows. LANES threads share the sums of four
// outputs, each sum running over the same inputs in the same order whatever ROWS is: a row's result does not depend on the rows beside it.
override INPUTS: u32; // a multiple of 4
override OUTPUTS: u32; // rows of the matrix
override LIVE: u32; // of these, the first ones that are wanted
override COLUMNS: u32; // of the output
override FIRST: u32; // the column that the matrix's first row makes
override LANES: u32; // a power of two, at most 64; the same for all passes, since it sets the order of the sums
override ROWS: u32; // at most 16
override ACCUMULATE: bool; // add to what the output holds
override HEAD: bool; // only the rows that want logits are there

@group(0) @binding(1) var<storage, read> input: array<vec4<f32>>; // [rows, INPUTS / 4]
@group(0) @binding(5) var<storage, read> bias: array<f32>; // at least [COLUMNS]
@group(0) @binding(6) var<storage, read_write> output: array<f32>; // [rows, COLUMNS]

const BATCH = 4u; // rows whose sums are added up at once
var<workgroup> partial: array<vec4<f32>, 64u * BATCH>;

// Adds four inputs times their weights, input after input.
fn accumulate(sum: f32, x: vec4<f32>, w: vec4<f32>) -> f32 {
  return fma(x.w, w.w, fma(x.z, w.z, fma(x.y, w.y, fma(x.x, w.x, sum))));
}

fn store4(row: u32, first: u32, sums: vec4<f32>) {
  for (var i = 0u; i < 4u && first + i < LIVE; i++) {
    let column = FIRST + first + i;
    let at = row * COLUMNS + column;
    let y = sums[i] + bias[column];
    if (ACCUMULATE) {
      output[at] = output[at] + y;
    } else {
      output[at] = y;
    }
  }
}

// Adds the lanes' sums of each row in pairs, halves of the lanes at a time, and stores them.
fn add_up(sums: ptr<function, array<vec4<f32>, 16>>, row: u32, count: u32, first: u32, thread: u32) {
  let lane = thread % LANES;
  for (var start = 0u; start < ROWS; start += BATCH) {
    for (var r = 0u; r < BATCH && start + r < ROWS; r++) {
      partial[r * 64u + thread] = (*sums)[start + r];
    }
    for (var step = LANES / 2u; step > 0u; step /= 2u) {
      workgroupBarrier();
      for (var r = 0u; r < BATCH && lane < step; r++) {
        partial[r * 64u + thread] += partial[r * 64u + thread + step];
      }
    }
    // The first lane has written its own sums itself.
    for (var r = 0u; r < BATCH && start + r < count && lane == 0u; r++) {
      store4(row + start + r, first, partial[r * 64u + thread]);
    }
    workgroupBarrier();
  }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let rows = select(batch.rows, batch.head_rows, HEAD);
  let vecs = INPUTS / 4u;
  let first = ((group.y * 64u + thread) / LANES) * 4u;
  let row = group.x * ROWS; // rows come first, so that those which share weights run side by side
  let count = min(ROWS, rows - row);
  // Threads past the edge repeat the last row or output and store nothing. With one lane the rows that are there are counted out, so that a
  // pipeline serves any number.
  let end = select(ROWS, count, LANES == 1u);
  let outputs = min(vec4<u32>(first, first + 1u, first + 2u, first + 3u), vec4<u32>(OUTPUTS - 1u)) * vecs;
  var sums = array<vec4<f32>, 16>();
  for (var k = thread % LANES; k < vecs; k += LANES) {
    let a = weight4(outputs.x + k);
    let b = weight4(outputs.y + k);
    let c = weight4(outputs.z + k);
    let d = weight4(outputs.w + k);
    for (var r = 0u; r < end; r++) {
      let x = input[min(row + r, rows - 1u) * vecs + k];
      let s = sums[r];
      sums[r] = vec4<f32>(accumulate(s.x, x, a), accumulate(s.y, x, b), accumulate(s.z, x, c), accumulate(s.w, x, d));
    }
  }
  if (LANES > 1u) {
    add_up(&sums, row, count, first, thread);
  } else {
    for (var r = 0u; r < count; r++) {
      store4(row + r, first, sums[r]);
    }
  }
}
