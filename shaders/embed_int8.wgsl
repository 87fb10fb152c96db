// Looks up one row of a rotated INT8 table a token, scales it and rotates it back: Hadamard, then signs.
override WIDTH: u32; // values a row, a multiple of BLOCK
override FIRST: u32; // token of the table's first row
override COUNT: u32; // rows of the table; other tokens are for other parts of it

@group(0) @binding(1) var<storage, read> tokens: array<u32>; // [rows]
@group(0) @binding(2) var<storage, read> table: array<u32>; // four codes a word, [COUNT, ceil(WIDTH / 16) * 4]
@group(0) @binding(3) var<storage, read> table_scales: array<f32>; // [COUNT]
@group(0) @binding(4) var<storage, read> signs: array<u32>; // bit i % 32 of word i / 32 set: value i is negated
@group(0) @binding(8) var<storage, read_write> output: array<f32>; // [rows, WIDTH]

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.x;
  let table_row = tokens[row] - FIRST; // of an earlier token it wraps round
  if (table_row >= COUNT) {
    return;
  }
  let words = (WIDTH + 15u) / 16u * 4u;
  let scale = table_scales[table_row] * inverseSqrt(f32(BLOCK));
  for (var first = 0u; first < WIDTH; first += SIZE) {
    for (var i = lane * 4u; i < SIZE; i += 4u * THREADS) {
      let word = (first + i) / 4u;
      var codes = vec4<f32>();
      if (word < words) {
        codes = unpack_codes(table[table_row * words + word]);
      }
      workspace[place(i)] = codes.x;
      workspace[place(i + 1u)] = codes.y;
      workspace[place(i + 2u)] = codes.z;
      workspace[place(i + 3u)] = codes.w;
    }
    workgroupBarrier();
    hadamard(lane);
    for (var i = lane; i < SIZE && first + i < WIDTH; i += THREADS) {
      let column = first + i;
      let x = workspace[place(i)] * scale;
      output[row * WIDTH + column] = select(x, -x, ((signs[column >> 5u] >> (column & 31u)) & 1u) == 1u);
    }
    workgroupBarrier();
  }
}
