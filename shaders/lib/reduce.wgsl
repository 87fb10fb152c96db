// Reductions over the first 64 threads of a workgroup in one fixed order: eight sums of eight, then the sum of those.
var<workgroup> reduce_values: array<f32, 64>;
var<workgroup> reduce_partials: array<f32, 8>;

fn reduce_sum(value: f32, lane: u32) -> f32 {
  if (lane < 64u) {
    reduce_values[lane] = value;
  }
  workgroupBarrier();
  if (lane < 8u) {
    var sum = reduce_values[lane * 8u];
    for (var i = 1u; i < 8u; i++) {
      sum += reduce_values[lane * 8u + i];
    }
    reduce_partials[lane] = sum;
  }
  workgroupBarrier();
  var total = reduce_partials[0];
  for (var i = 1u; i < 8u; i++) {
    total += reduce_partials[i];
  }
  return total;
}

fn reduce_max(value: f32, lane: u32) -> f32 {
  if (lane < 64u) {
    reduce_values[lane] = value;
  }
  workgroupBarrier();
  if (lane < 8u) {
    var largest = reduce_values[lane * 8u];
    for (var i = 1u; i < 8u; i++) {
      largest = max(largest, reduce_values[lane * 8u + i]);
    }
    reduce_partials[lane] = largest;
  }
  workgroupBarrier();
  var total = reduce_partials[0];
  for (var i = 1u; i < 8u; i++) {
    total = max(total, reduce_partials[i]);
  }
  return total;
}
