// Sixteen products of INT8 codes where the packed dot product is missing or emulated. Exact in f32: 16 * 127 * 127 is far below 2^24.
fn codes_of(word: u32) -> vec4<f32> {
  let bytes = vec4<i32>(vec4<u32>(word << 24u, word << 16u, word << 8u, word));
  return vec4<f32>(bytes >> vec4<u32>(24u));
}

fn dot16(a: vec4<u32>, b: vec4<u32>) -> i32 {
  let first = dot(codes_of(a.x), codes_of(b.x)) + dot(codes_of(a.y), codes_of(b.y));
  return i32(first + dot(codes_of(a.z), codes_of(b.z)) + dot(codes_of(a.w), codes_of(b.w)));
}

fn dot4(a: u32, b: u32) -> i32 {
  return i32(dot(codes_of(a), codes_of(b)));
}
