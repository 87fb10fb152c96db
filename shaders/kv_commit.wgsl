// After a tree pass, moves the kept keys and values from the places of their rows to those of their positions. One workgroup a head; a word
// stays with one thread, and a kept row never lies before its depth, so that in ascending order none is overwritten before it is read.
override HEAD_DIM: u32;
override CONTEXT: u32; // positions the cache has room for

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let first = group.x * CONTEXT + batch.position - batch.accepted; // where the tree's root lies
  for (var depth = 1u; depth < batch.accepted; depth++) {
    move_slot(first + path_row(batch.accepted_path, depth), first + depth, lane);
  }
}
