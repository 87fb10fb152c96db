// Gumbel noise that is a pure function of (seed, position, token), in whole numbers up to the last step: WGSL leaves open how exact log()
// is (near 1 it may be wrong in every digit) and whether fma() rounds once or twice, and both differ between devices; whole numbers do not.
// Philox: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011). Its twins are src/speculate/philox.ts and gumbel.ts.

// Philox 4x32-10.
fn philox(seed: vec2<u32>, start: vec4<u32>) -> vec4<u32> {
  var key = seed;
  var c = start;
  for (var round = 0u; round < 10u; round++) {
    let high0 = mul_high(0xd2511f53u, c.x);
    let high1 = mul_high(0xcd9e8d57u, c.z);
    c = vec4<u32>(high1 ^ c.y ^ key.x, 0xcd9e8d57u * c.z, high0 ^ c.w ^ key.y, 0xd2511f53u * c.x);
    key += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

// The upper word of a signed product.
fn mul_high_signed(z: u32, x: i32) -> i32 {
  return bitcast<i32>(mul_high(z, bitcast<u32>(x))) - select(0, bitcast<i32>(z), x < 0);
}

// -ln(1 - x) / x in units of 2^-30, for x in (0, 1/2] in units of 2^-32: the polynomial of degree 9 in 2x through the Chebyshev nodes, good
// to 2^-27.
fn log_slope(x: u32) -> u32 {
  let z = min(x, 0x7fffffffu) << 1u;
  var p = -10313634 + mul_high_signed(z, 3635648);
  p = 16440586 + mul_high_signed(z, p);
  p = -9900046 + mul_high_signed(z, p);
  p = 11433554 + mul_high_signed(z, p);
  p = 11773631 + mul_high_signed(z, p);
  p = 33817068 + mul_high_signed(z, p);
  p = 89457501 + mul_high_signed(z, p);
  p = 268436099 + mul_high_signed(z, p);
  return bitcast<u32>(1073741821 + mul_high_signed(z, p));
}

// Halves come out as k * ln 2, so that what is left of a number is in [1/2, 1). In units of 2^-26:
const LN2 = 46516320;

// -ln(-ln u) for u = max(word >> 8, 1) / 2^24.
fn gumbel(word: u32) -> f32 {
  let numerator = max(word >> 8u, 1u);
  let halves = countLeadingZeros(numerator) - 8u;
  let x = 0u - (numerator << (halves + 8u)); // u * 2^halves = 1 - x / 2^32
  let slope = log_slope(x);
  // -ln u = mantissa * 2^-scale. Where no ln 2 is added it may be as small as 2^-24, so it keeps its leading digits.
  let zeros = countLeadingZeros(x);
  var mantissa = mul_high(x << zeros, slope);
  var scale = 30u + zeros;
  if (halves > 0u) {
    mantissa = halves * 2u * u32(LN2) + (mul_high(x, slope) >> 3u);
    scale = 27u;
  }
  let shift = countLeadingZeros(mantissa);
  let y = 0u - (mantissa << shift);
  let log_log = i32(mul_high(y, log_slope(y)) >> 4u) + (i32(shift + scale) - 32) * LN2;
  // Rounded to the 24 bits that an f32 holds, because WGSL leaves open how a longer whole number is rounded.
  let size = u32(abs(log_log));
  let drop = 8u - min(8u, countLeadingZeros(size));
  let rounded = ((size + ((1u << drop) >> 1u)) >> drop) << drop;
  return select(1.0, -1.0, log_log < 0) * f32(rounded) * 0x1p-26;
}
