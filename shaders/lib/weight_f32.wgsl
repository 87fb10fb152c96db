// Four weights from a matrix of f32, by their place in vectors of four.
@group(0) @binding(3) var<storage, read> weight: array<vec4<f32>>;

fn weight4(index: u32) -> vec4<f32> {
  return weight[index];
}
