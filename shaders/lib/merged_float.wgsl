// Merged rows as they are; where keys and values are rotated within the heads, so are these.
fn value(row: u32, column: u32) -> f32 {
  return merged(row, column / 4u)[column % 4u];
}
