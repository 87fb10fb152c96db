// Sixteen weights of a matrix of INT4 codes as INT8 codes: a code of -7 to 7 times its group's whole scale of 1 to 16. Four at a time in
// one word; no byte ever carries into the next.
@group(0) @binding(3) var<storage, read> matrix: array<vec2<u32>>; // code + 8, half a byte each, [OUTPUTS, INPUT_VECS]
@group(0) @binding(7) var<storage, read> group_scales: array<u32>; // scale - 1, half a byte a group of 32, [OUTPUTS, whole words]

fn weight16(output: u32, k: u32) -> vec4<u32> {
  let group = k >> 1u;
  let row_words = (INPUT_VECS + 15u) >> 4u;
  let scale = ((group_scales[output * row_words + (group >> 3u)] >> ((group & 7u) * 4u)) & 15u) + 1u;
  let codes = matrix[output * INPUT_VECS + k];
  let low = codes & vec2<u32>(0x0f0f0f0fu);
  let high = (codes >> vec2<u32>(4u)) & vec2<u32>(0x0f0f0f0fu);
  // (code + 8) * scale is at most 240; what is taken away again is 8 * scale, at most 128.
  let biased = vec4<u32>(low.x, high.x, low.y, high.y) * scale;
  let bias = vec4<u32>(scale * 0x08080808u);
  let top = vec4<u32>(0x80808080u);
  return ((biased | top) - (bias & ~top)) ^ ((biased ^ ~bias) & top);
}
