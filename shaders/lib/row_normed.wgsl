// The codes of one row of floats, the last of the pass, which each workgroup norms, rotates and quantises for itself in its own memory: the
// functions are those of rms_norm.wgsl, so the bits are its bits, and a pass of one row needs no dispatch for its norms.
var<workgroup> staged: array<u32, INPUT_VECS * 4u>;
var<private> staged_scale: f32;

fn put_codes(row: u32, word: u32, four: u32) {
  staged[word] = four;
}

fn stage(thread: u32) {
  norm_row(batch.rows - 1u, thread);
  staged_scale = quantise_row(0u, thread);
  workgroupBarrier();
}

fn row16(row: u32, k: u32) -> vec4<u32> {
  return vec4<u32>(staged[4u * k], staged[4u * k + 1u], staged[4u * k + 2u], staged[4u * k + 3u]);
}

fn row_scale(row: u32) -> f32 {
  return staged_scale;
}
