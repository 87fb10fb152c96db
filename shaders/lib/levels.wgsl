// Searches that go on from dispatch to dispatch.
@group(0) @binding(8) var<storage, read_write> searches: array<Search>; // [head rows, LEVELS]: as each dispatch found it

// What has come of the search since dispatch `level`, whose histogram is complete now. Every workgroup finds this out for itself.
fn search_behind(row: u32, level: u32, lane: u32) -> Search {
  let entry = row * LEVELS + level;
  if (lane == 0u) {
    search = searches[entry];
  }
  for (var bin = lane; bin < 256u; bin += THREADS) {
    atomicStore(&bin_count[bin], atomicLoad(&tallies[entry * TALLY + bin]));
    atomicStore(&bin_high[bin], atomicLoad(&tallies[entry * TALLY + 256u + bin]));
    atomicStore(&bin_low[bin], atomicLoad(&tallies[entry * TALLY + 512u + bin]));
  }
  var now = workgroupUniformLoad(&search);
  if (now.kind != OVER) {
    now = narrow(lane);
  }
  return now;
}

// The order of the row's best score.
fn highest_of_row(row: u32, lane: u32) -> u32 {
  var highest = 0u;
  for (var i = lane; i < slices_of_row(); i += THREADS) {
    highest = max(highest, slices[row * slices_of_row() + i].highest);
  }
  return reduce_best(highest, 0u, lane).x;
}
