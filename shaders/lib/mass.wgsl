// Probability masses as whole numbers, so that their sums are exact in any order; 2^28 stands for the likeliest token's mass.
// Its twin is src/speculate/mass.ts.

// A score this far below the best and further has no mass.
const MASS_REACH = 19.0;

// e^-distance in units of 2^-28, from 1 to 2^28 - 1; distance is at most MASS_REACH, give or take its rounding.
fn mass(distance: f32) -> u32 {
  let powers = mul_high(u32(distance * 0x1p26), 0xb8aa3b29u); // log2(e) * distance in units of 2^-25
  let z = ~(powers << 7u);
  // 2^z for z in [0, 1), from units of 2^-32 to units of 2^-31: the polynomial of degree 6 through the Chebyshev nodes, good to 2^-28.
  var p = 2661018u + mul_high(z, 469564u);
  p = 20796632u + mul_high(z, p);
  p = 119143746u + mul_high(z, p);
  p = 515890973u + mul_high(z, p);
  p = 1488521704u + mul_high(z, p);
  // Where z is all but 1, the last sum may pass 2^32 by the polynomial's error.
  let rest = mul_high(z, p);
  p = select(2147483653u + rest, 0xffffffffu, rest > 0xffffffffu - 2147483653u);
  return p >> (4u + (powers >> 25u));
}
