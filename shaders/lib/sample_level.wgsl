// In between, once for each histogram: a slice's part of it.
@group(0) @binding(9) var<uniform> level: u32; // how many went before

fn draw(row: u32, slice: u32, lane: u32) {
  var now: Search;
  if (level == 0u) {
    now = first_search(highest_of_row(row, lane), lane);
  } else {
    now = search_behind(row, level - 1u, lane);
  }
  let entry = row * LEVELS + level;
  if (slice == 0u && lane == 0u) {
    searches[entry] = now;
  }
  if (now.kind == OVER) {
    return;
  }
  tally(now, slice * SLICE, min(slice * SLICE + SLICE, LIVE), lane);
  for (var bin = lane; bin < 256u; bin += THREADS) {
    if (atomicLoad(&bin_low[bin]) + atomicLoad(&bin_high[bin]) > 0u) {
      atomicAdd(&tallies[entry * TALLY + bin], atomicLoad(&bin_count[bin]));
      atomicAdd(&tallies[entry * TALLY + 256u + bin], atomicLoad(&bin_high[bin]));
      atomicAdd(&tallies[entry * TALLY + 512u + bin], atomicLoad(&bin_low[bin]));
    }
  }
}
