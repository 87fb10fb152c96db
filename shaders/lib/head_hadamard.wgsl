// Walsh-Hadamard transform within one attention head, in workgroup memory, without the factor 1/sqrt(HEAD_BLOCK).
override HEAD_DIM: u32;
override HEAD_BLOCK: u32; // the largest power of two that divides HEAD_DIM

var<workgroup> head_values: array<f32, HEAD_DIM>;

// Expects head_values to be written and a barrier behind it; leaves a barrier behind itself.
fn head_hadamard(lane: u32) {
  for (var half = 1u; half < HEAD_BLOCK; half *= 2u) {
    for (var pair = lane; pair < HEAD_DIM / 2u; pair += 64u) {
      let i = (pair / half) * 2u * half + pair % half;
      let a = head_values[i];
      let b = head_values[i + half];
      head_values[i] = a + b;
      head_values[i + half] = a - b;
    }
    workgroupBarrier();
  }
}
