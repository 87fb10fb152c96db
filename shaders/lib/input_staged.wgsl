// Input codes in workgroup memory, TILE vectors of each row at a time; rows past the edge repeat the last one.
@group(0) @binding(1) var<storage, read> codes: array<vec4<u32>>; // [rows, INPUT_VECS]
@group(0) @binding(2) var<storage, read> scales: array<f32>; // [rows]

var<workgroup> tile: array<vec4<u32>, ROWS * TILE>;

fn stage(first_row: u32, rows: u32, start: u32, thread: u32) {
  workgroupBarrier(); // whoever read the tile before is done
  for (var i = thread; i < ROWS * TILE; i += WORKGROUP) {
    let k = start + i % TILE;
    if (k < INPUT_VECS) {
      tile[i] = codes[min(first_row + i / TILE, rows - 1u) * INPUT_VECS + k];
    }
  }
  workgroupBarrier();
}

fn input16(first_row: u32, r: u32, rows: u32, start: u32, k: u32) -> vec4<u32> {
  return tile[r * TILE + k];
}

fn input_scale(row: u32) -> f32 {
  return scales[row];
}
