// Sixteen weights of a matrix of INT8 codes.
@group(0) @binding(3) var<storage, read> matrix: array<vec4<u32>>; // [OUTPUTS, INPUT_VECS]

fn weight16(output: u32, k: u32) -> vec4<u32> {
  return matrix[output * INPUT_VECS + k];
}
