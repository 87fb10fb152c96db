// Products of INT8 codes where the packed dot product is missing or emulated. Exact in f32: 16 * 127 * 127 is far below 2^24.
struct Codes { // sixteen, as dot16 takes them
  a: vec4<f32>,
  b: vec4<f32>,
  c: vec4<f32>,
  d: vec4<f32>,
}

fn codes_of(word: u32) -> vec4<f32> {
  let bytes = vec4<i32>(vec4<u32>(word << 24u, word << 16u, word << 8u, word));
  return vec4<f32>(bytes >> vec4<u32>(24u));
}

fn expand(codes: vec4<u32>) -> Codes {
  return Codes(codes_of(codes.x), codes_of(codes.y), codes_of(codes.z), codes_of(codes.w));
}

fn dot16(x: Codes, y: Codes) -> i32 {
  return i32((dot(x.a, y.a) + dot(x.b, y.b)) + (dot(x.c, y.c) + dot(x.d, y.d)));
}

fn dot4(a: u32, b: u32) -> i32 {
  return i32(dot(codes_of(a), codes_of(b)));
}
