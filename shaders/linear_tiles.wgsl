// Many rows of INT8 codes times a matrix of INT8 or INT4 weights, exactly as linear_int8.wgsl multiplies them. A workgroup makes a tile of
// TILE rows and TILE outputs, a thread four rows of it by four outputs, TILE / 4 apart, from 64 inputs at a time in workgroup memory.
override INPUT_VECS: u32; // vectors of 16 codes a row
override TILE: u32; // 32 or 64
override HEAD: bool; // only the rows that want logits are there

@group(0) @binding(1) var<storage, read> codes: array<vec4<u32>>; // [rows, INPUT_VECS]
@group(0) @binding(2) var<storage, read> scales: array<f32>; // [rows]

const DEPTH = 4u; // vectors of a row held at once
const STRIDE = DEPTH + 1u; // one of padding, so that eight neighbours read from different banks
var<workgroup> inputs: array<vec4<u32>, TILE * STRIDE>;
var<workgroup> weights: array<vec4<u32>, TILE * STRIDE>;

@compute @workgroup_size(TILE * TILE / 16u)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let rows = select(batch.rows, batch.head_rows, HEAD);
  let side = TILE / 4u; // threads along a side of the tile
  let row = group.x * TILE;
  let first = group.y * TILE;
  let down = thread / side;
  let across = thread % side;
  var sums = array<vec4<i32>, 4>();
  for (var start = 0u; start < INPUT_VECS; start += DEPTH) {
    workgroupBarrier();
    // Rows past the edge repeat the last one and are not stored; inputs past the edge are zeros.
    for (var i = thread; i < TILE * DEPTH; i += side * side) {
      let r = i / DEPTH;
      let k = start + i % DEPTH;
      var x = vec4<u32>();
      var w = vec4<u32>();
      if (k < INPUT_VECS) {
        x = codes[min(row + r, rows - 1u) * INPUT_VECS + k];
        w = weight16(min(first + r, OUTPUTS - 1u), k);
      }
      inputs[r * STRIDE + i % DEPTH] = x;
      weights[r * STRIDE + i % DEPTH] = w;
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k++) {
      let a = expand(weights[across * STRIDE + k]);
      let b = expand(weights[(across + side) * STRIDE + k]);
      let c = expand(weights[(across + 2u * side) * STRIDE + k]);
      let d = expand(weights[(across + 3u * side) * STRIDE + k]);
      for (var r = 0u; r < 4u; r++) {
        let x = expand(inputs[(down + r * side) * STRIDE + k]);
        sums[r] += vec4<i32>(dot16(x, a), dot16(x, b), dot16(x, c), dot16(x, d));
      }
    }
  }
  for (var r = 0u; r < 4u; r++) {
    let mine = row + down + r * side;
    for (var i = 0u; i < 4u; i++) {
      let matrix_row = first + across + i * side;
      if (mine < rows && matrix_row < LIVE) {
        store(mine, matrix_row, sums[r][i], scales[mine]);
      }
    }
  }
}
