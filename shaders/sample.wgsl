// Draws a token for each row that wants one, in the order of Hugging Face's generate(): penalties, temperature, top-k, top-p, min-p, then
// the largest of score + Gumbel noise; for a drafter the next largest too. One workgroup makes a row (lib/sample_whole), or many share it
// by slices of its tokens: lib/sample_slice makes scores, lib/sample_level looks for the thresholds of top-k and top-p, lib/sample_finish
// draws. Every sum is of whole numbers, so neither threads nor slices nor the rows beside it can change what is drawn.
override VOCABULARY: u32; // logits a row, at most 262,144
override LIVE: u32; // tokens from here on are never drawn
override THREADS: u32; // at least 16
override CANDIDATES: u32; // that are wanted of a row, the best first; at most 4

struct Sampling {
  seed: vec2<u32>,
  inverse_temperature: f32, // 0: the best token, without noise
  log_min_p: f32, // how far below the best a score may be
  repetition: f32,
  inverse_repetition: f32,
  presence: f32,
  frequency: f32,
  top_k: u32, // 0: off
  top_p: u32, // in units of 2^-24; 0: off
}
@group(0) @binding(1) var<uniform> sampling: Sampling;
@group(0) @binding(2) var<storage, read_write> logits: array<f32>; // [head rows, VOCABULARY]; left penalised and scaled

var<private> row_start: u32;

fn is_greedy() -> bool {
  return sampling.inverse_temperature == 0.0;
}

fn counts_tokens() -> bool {
  return !is_greedy() && sampling.top_k != 0u && sampling.top_k < LIVE;
}

fn adds_masses() -> bool {
  return !is_greedy() && sampling.top_p != 0u;
}

fn has_thresholds() -> bool {
  return counts_tokens() || adds_masses();
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  row_start = group.y * VOCABULARY;
  draw(group.y, group.x, lane);
}
