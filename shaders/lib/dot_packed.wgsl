// Products of INT8 codes by the built-in packed dot product.
alias Codes = vec4<u32>; // sixteen, as dot16 takes them

fn expand(codes: vec4<u32>) -> Codes {
  return codes;
}

fn dot16(a: Codes, b: Codes) -> i32 {
  return dot4I8Packed(a.x, b.x) + dot4I8Packed(a.y, b.y) + dot4I8Packed(a.z, b.z) + dot4I8Packed(a.w, b.w);
}

fn dot4(a: u32, b: u32) -> i32 {
  return dot4I8Packed(a, b);
}
