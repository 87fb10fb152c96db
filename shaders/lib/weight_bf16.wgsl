// Four weights from a matrix of bf16, by their place in vectors of four; widening is a shift.
@group(0) @binding(3) var<storage, read> weight: array<vec2<u32>>;

fn weight4(index: u32) -> vec4<f32> {
  let words = weight[index];
  return bitcast<vec4<f32>>(vec4<u32>(words.x << 16u, words.x & 0xffff0000u, words.y << 16u, words.y & 0xffff0000u));
}
