// What workgroups that share a row tell one another of their slices.
override SLICE: u32; // tokens, a multiple of four

struct Slice {
  highest: u32, // order of the best score
  drawn: u32, // order of the largest sum of noise and score, which is there taken from the best of the slice
  score: u32, // order of the score in that sum
}
@group(0) @binding(6) var<storage, read_write> slices: array<Slice>; // [head rows, slices of LIVE]

const LEVELS = 8u; // dispatches that look for thresholds: four for top-k, four for top-p

fn slices_of_row() -> u32 {
  return (LIVE + SLICE - 1u) / SLICE;
}
