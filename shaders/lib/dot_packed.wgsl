// Sixteen products of INT8 codes by the built-in packed dot product.
fn dot16(a: vec4<u32>, b: vec4<u32>) -> i32 {
  return dot4I8Packed(a.x, b.x) + dot4I8Packed(a.y, b.y) + dot4I8Packed(a.z, b.z) + dot4I8Packed(a.w, b.w);
}

fn dot4(a: u32, b: u32) -> i32 {
  return dot4I8Packed(a, b);
}
