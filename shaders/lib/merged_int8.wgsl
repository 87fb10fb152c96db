// Merged rows on their way to signs and the wide rotation: turned back within the heads first.
override HEAD_BLOCK: u32; // values are rotated within the head by Hadamard blocks of this width; 1: not at all

fn load(row: u32, first: u32, lane: u32) {
  for (var i = lane * 4u; i < SIZE; i += 4u * THREADS) {
    var x = vec4<f32>();
    if (first + i < WIDTH) {
      x = merged(row, (first + i) / 4u) * inverseSqrt(f32(HEAD_BLOCK));
    }
    workspace[place(i)] = x.x;
    workspace[place(i + 1u)] = x.y;
    workspace[place(i + 2u)] = x.z;
    workspace[place(i + 3u)] = x.w;
  }
  workgroupBarrier();
  hadamard_blocks(HEAD_BLOCK, lane);
}
