// What changes from pass to pass; everything else is fixed when a pipeline is made.
struct Batch {
  rows: u32, // tokens fed
  position: u32, // of the first row
  head_rows: u32, // the last rows, which want logits
  state_slot: u32, // which of two copies of the convolution state is read; the other is written
}
@group(0) @binding(0) var<uniform> batch: Batch;
