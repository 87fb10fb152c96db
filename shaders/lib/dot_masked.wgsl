// Products of INT8 codes in f32, taken from their words without shifts: SwiftShader's compiler makes a shift of a vector by a vector one
// number at a time, and dot4I8Packed of such shifts. Exact: 16 * 127 * 127 is far below 2^22, and powers of two round nothing.
struct Codes { // sixteen, as dot16 takes them
  a: vec4<f32>,
  b: vec4<f32>,
  c: vec4<f32>,
  d: vec4<f32>,
}

// Of codes with 128 added: each byte where it stands, less its 128, and then as if it stood lowest.
fn codes_of(biased: u32) -> vec4<f32> {
  let bytes = bitcast<vec4<i32>>(vec4<u32>(biased) & vec4<u32>(0xffu, 0xff00u, 0xff0000u, 0xff000000u));
  let codes = bytes - bitcast<vec4<i32>>(vec4<u32>(0x80u, 0x8000u, 0x800000u, 0x80000000u));
  return vec4<f32>(codes) * vec4<f32>(1.0, 0x1p-8, 0x1p-16, 0x1p-24);
}

fn expand(codes: vec4<u32>) -> Codes {
  let biased = codes ^ vec4<u32>(0x80808080u);
  return Codes(codes_of(biased.x), codes_of(biased.y), codes_of(biased.z), codes_of(biased.w));
}

// Behind 1.5 * 2^23 a float's low bits are a whole number: cheaper than a conversion, which looks for what fits no i32.
fn whole(sum: f32) -> i32 {
  return bitcast<i32>(sum + 0x1.8p23) - 0x4b400000;
}

fn dot16(x: Codes, y: Codes) -> i32 {
  return whole((dot(x.a, y.a) + dot(x.b, y.b)) + (dot(x.c, y.c) + dot(x.d, y.d)));
}

fn dot4(a: u32, b: u32) -> i32 {
  return whole(dot(codes_of(a ^ 0x80808080u), codes_of(b ^ 0x80808080u)));
}
