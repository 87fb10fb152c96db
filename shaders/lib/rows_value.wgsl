// A row's values one by one, on their way to the rotation.
fn load(row: u32, first: u32, lane: u32) {
  for (var i = lane; i < SIZE; i += THREADS) {
    var x = 0.0;
    if (first + i < WIDTH) {
      x = value(row, first + i);
    }
    workspace[place(i)] = x;
  }
}
