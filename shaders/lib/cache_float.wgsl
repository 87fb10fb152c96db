// What caches of floats share: scores and values from cached4().
fn score(query_head: u32, slot: u32) -> f32 {
  let vecs = HEAD_DIM / 4u;
  var sum = 0.0;
  for (var i = 0u; i < vecs; i++) {
    let q = query[query_head * vecs + i];
    let k = cached4(slot, i);
    sum = fma(q.x, k.x, sum);
    sum = fma(q.y, k.y, sum);
    sum = fma(q.z, k.z, sum);
    sum = fma(q.w, k.w, sum);
  }
  return sum;
}

fn value4(slot: u32, vec: u32) -> vec4<f32> {
  return cached4(slot, vec);
}

fn value_scale(slot: u32) -> f32 {
  return 1.0;
}
