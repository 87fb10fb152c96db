// Walsh-Hadamard transform in workgroup memory, without the factor 1/sqrt(BLOCK), of every block of BLOCK consecutive values. Two bits of
// the index a round, in ascending order, as in hadamard.ts, so that both give the same bits.
override SIZE: u32; // values in the workspace, see workspaceSize in hadamard.ts
override BLOCK: u32; // a power of two, at most 1024
override THREADS: u32; // that transform

// One word of padding for every sixteen keeps the threads of a warp on different banks.
var<workgroup> workspace: array<f32, SIZE + SIZE / 16u>;

fn place(index: u32) -> u32 {
  return index + (index >> 4u);
}

fn hadamard(lane: u32) {
  hadamard_blocks(BLOCK, lane);
}

// Expects the workspace to be written and a barrier behind it; leaves a barrier behind itself.
fn hadamard_blocks(block: u32, lane: u32) {
  for (var bit = 0u; (1u << bit) < block; bit += 2u) {
    for (var i = lane; i < SIZE / 4u; i += THREADS) {
      let first = ((i >> bit) << (bit + 2u)) | (i & ((1u << bit) - 1u));
      let places = vec4<u32>(place(first), place(first + (1u << bit)), place(first + (2u << bit)), place(first + (3u << bit)));
      var v = vec4<f32>(workspace[places.x], workspace[places.y], workspace[places.z], workspace[places.w]);
      v = vec4<f32>(v.x + v.y, v.x - v.y, v.z + v.w, v.z - v.w);
      if ((2u << bit) < block) {
        v = vec4<f32>(v.x + v.z, v.y + v.w, v.x - v.z, v.y - v.w);
      }
      workspace[places.x] = v.x;
      workspace[places.y] = v.y;
      workspace[places.z] = v.z;
      workspace[places.w] = v.w;
    }
    workgroupBarrier();
  }
}
