// Products of INT8 codes, each made a whole number of its own first. That pays where the packed dot product is emulated and a code meets
// several others.
struct Codes { // sixteen, as dot16 takes them
  a: vec4<i32>,
  b: vec4<i32>,
  c: vec4<i32>,
  d: vec4<i32>,
}

fn codes_of(word: u32) -> vec4<i32> {
  return vec4<i32>(vec4<u32>(word << 24u, word << 16u, word << 8u, word)) >> vec4<u32>(24u);
}

fn expand(codes: vec4<u32>) -> Codes {
  return Codes(codes_of(codes.x), codes_of(codes.y), codes_of(codes.z), codes_of(codes.w));
}

fn dot16(x: Codes, y: Codes) -> i32 {
  return (dot(x.a, y.a) + dot(x.b, y.b)) + (dot(x.c, y.c) + dot(x.d, y.d));
}
