// Reductions of sixty-four values, which the workgroup's threads, however many there are, hand in and take part in: in one fixed order,
// eight sums of eight, then the sum of those.
var<workgroup> reduce_values: array<f32, 64>; // what is handed in
var<workgroup> reduce_partials: array<f32, 8>;

fn reduce_sum(lane: u32) -> f32 {
  workgroupBarrier();
  for (var part = lane; part < 8u; part += THREADS) {
    var sum = reduce_values[part * 8u];
    for (var i = 1u; i < 8u; i++) {
      sum += reduce_values[part * 8u + i];
    }
    reduce_partials[part] = sum;
  }
  workgroupBarrier();
  var total = reduce_partials[0];
  for (var i = 1u; i < 8u; i++) {
    total += reduce_partials[i];
  }
  return total;
}

fn reduce_max(lane: u32) -> f32 {
  workgroupBarrier();
  for (var part = lane; part < 8u; part += THREADS) {
    var largest = reduce_values[part * 8u];
    for (var i = 1u; i < 8u; i++) {
      largest = max(largest, reduce_values[part * 8u + i]);
    }
    reduce_partials[part] = largest;
  }
  workgroupBarrier();
  var total = reduce_partials[0];
  for (var i = 1u; i < 8u; i++) {
    total = max(total, reduce_partials[i]);
  }
  return total;
}
