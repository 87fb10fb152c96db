// Four weights from a matrix of f16, by their place in vectors of four; needs no shader-f16.
@group(0) @binding(3) var<storage, read> weight: array<vec2<u32>>;

fn weight4(index: u32) -> vec4<f32> {
  let words = weight[index];
  return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}
