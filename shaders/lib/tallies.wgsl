// Histograms that workgroups add up.
const TALLY = 768u; // words: 256 bins, three words each
@group(0) @binding(7) var<storage, read_write> tallies: array<atomic<u32>>; // [head rows, LEVELS, TALLY]
