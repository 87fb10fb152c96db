// Whole numbers of more than 32 bits, which WGSL does not have.

// The upper word of a 64-bit product.
fn mul_high(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u);
}

// A sum of 46 bits is x * 2^14 + y with y below 2^14. 262,144 weights below 2^28 fit, and so do the separate sums of their two parts.
const LOW_BITS = 14u;
const LOW_MASK = 0x3fffu;

fn carried(high: u32, low: u32) -> vec2<u32> {
  return vec2<u32>(high + (low >> LOW_BITS), low & LOW_MASK);
}

fn add_wide(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return carried(a.x + b.x, a.y + b.y);
}

fn less_wide(a: vec2<u32>, b: vec2<u32>) -> bool {
  return a.x < b.x || (a.x == b.x && a.y < b.y);
}

// The least whole number that is not below total * share / 2^24; share is at most 2^24.
fn share_wide(total: vec2<u32>, share: u32) -> vec2<u32> {
  let product = total.x * share;
  let low_product = total.y * share;
  let rest = (product & 0xffffffu) + ((mul_high(total.y, share) << (32u - LOW_BITS)) | (low_product >> LOW_BITS)); // in units of 2^-10
  let up = select(0u, 1u, (rest & 0x3ffu) != 0u || (low_product & LOW_MASK) != 0u);
  return carried((mul_high(total.x, share) << 8u) | (product >> 24u), (rest >> 10u) + up);
}
