// Root-mean-square normalisation of rows; see lib/normed_row.wgsl.
override HEAD: bool = false; // normalise only the rows that want logits

fn prepare(row: u32, lane: u32) {
  norm_row(select(row, batch.rows - batch.head_rows + row, HEAD), lane);
}
