// Looks up one row of a rotated INT8 table a token, scales it and rotates it back: Hadamard, then signs.
override WIDTH: u32; // values a row, a multiple of BLOCK

@group(0) @binding(1) var<storage, read> tokens: array<u32>; // [rows]
@group(0) @binding(2) var<storage, read> table: array<vec4<u32>>; // [vocabulary, ceil(WIDTH / 16)]
@group(0) @binding(3) var<storage, read> table_scales: array<f32>; // [vocabulary]
@group(0) @binding(4) var<storage, read> signs: array<u32>; // bit i % 32 of word i / 32 set: value i is negated
@group(0) @binding(8) var<storage, read_write> output: array<f32>; // [rows, WIDTH]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.x;
  let token = tokens[row];
  let words = (WIDTH + 15u) / 16u;
  let scale = table_scales[token] * inverseSqrt(f32(BLOCK));
  for (var chunk = 0u; chunk * 1024u < WIDTH; chunk++) {
    let word = chunk * 64u + lane;
    var s = Sixteen();
    if (word < words) {
      let codes = table[token * words + word];
      for (var i = 0u; i < 4u; i++) {
        s[i] = unpack_codes(codes[i]);
      }
    }
    s = hadamard(s, lane);
    for (var i = 0u; i < 16u && word * 16u + i < WIDTH; i++) {
      let column = word * 16u + i;
      let x = s[i >> 2u][i & 3u] * scale;
      output[row * WIDTH + column] = select(x, -x, ((signs[column >> 5u] >> (column & 31u)) & 1u) == 1u);
    }
  }
}
