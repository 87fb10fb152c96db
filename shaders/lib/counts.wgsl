// How often each token stands in the reply, and bit 31 if it stands in the prompt.
@group(0) @binding(3) var<storage, read_write> counts: array<u32>; // [VOCABULARY]
