// Rounding half away from zero, written out because WGSL's round() is ties-to-even; packing without the optional built-ins.
fn round_away(x: f32) -> f32 {
  return sign(x) * floor(abs(x) + 0.5);
}

// Four codes in [-127, 127]; the first lies in the lowest byte.
fn pack_codes(values: vec4<f32>) -> u32 {
  let bytes = vec4<u32>(vec4<i32>(values)) & vec4<u32>(0xffu);
  return bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
}

fn quantize4(values: vec4<f32>, inverse_scale: f32) -> u32 {
  let x = values * inverse_scale;
  let rounded = vec4<f32>(round_away(x.x), round_away(x.y), round_away(x.z), round_away(x.w));
  return pack_codes(clamp(rounded, vec4<f32>(-127.0), vec4<f32>(127.0)));
}

fn unpack_codes(word: u32) -> vec4<f32> {
  let bytes = vec4<i32>(vec4<u32>(word << 24u, word << 16u, word << 8u, word));
  return vec4<f32>(bytes >> vec4<u32>(24u));
}
