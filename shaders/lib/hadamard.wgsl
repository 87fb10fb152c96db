// Walsh-Hadamard transform, without the factor 1/sqrt(BLOCK), of a chunk of 1,024 values held sixteen a thread by 64 threads. A chunk is a
// whole number of blocks. Values change hands so that each round's four bits of their index are what tells a thread's sixteen apart: bits
// 0-3, then 4-7, then 8-9. Sums run in ascending order of bits, as in hadamard.ts, so that both give the same bits. Everything stands once,
// in loops, because software adapters take long to compile what is written out.
override BLOCK: u32; // a power of two, at most 1024

alias Sixteen = array<vec4<f32>, 4>;

// One word of padding for every sixteen keeps the threads of a warp on different banks.
var<workgroup> exchange: array<f32, 1088>;

// Where value `i` of a thread lies in the exchange, in the round that begins with `bit`.
fn exchange_at(lane: u32, bit: u32, i: u32) -> u32 {
  var index = lane * 16u + i;
  if (bit == 4u) {
    index = (lane >> 4u) * 256u + i * 16u + (lane & 15u);
  } else if (bit == 8u) {
    index = (i & 3u) * 256u + (i >> 2u) * 64u + lane;
  }
  return index + (index >> 4u);
}

fn transform_bits(values: Sixteen, bit: u32) -> Sixteen {
  var s = values;
  for (var i = 0u; i < 4u; i++) {
    if (BLOCK > (1u << bit)) {
      s[i] = vec4<f32>(s[i].x + s[i].y, s[i].x - s[i].y, s[i].z + s[i].w, s[i].z - s[i].w);
    }
    if (BLOCK > (2u << bit)) {
      s[i] = vec4<f32>(s[i].x + s[i].z, s[i].y + s[i].w, s[i].x - s[i].z, s[i].y - s[i].w);
    }
  }
  if (BLOCK > (4u << bit)) {
    s = Sixteen(s[0] + s[1], s[0] - s[1], s[2] + s[3], s[2] - s[3]);
  }
  if (BLOCK > (8u << bit)) {
    s = Sixteen(s[0] + s[2], s[1] + s[3], s[0] - s[2], s[1] - s[3]);
  }
  return s;
}

// From the places of one round to those of another.
fn change_hands(values: Sixteen, lane: u32, from_bit: u32, to_bit: u32) -> Sixteen {
  var s = values;
  workgroupBarrier(); // whoever read the exchange before is done
  for (var i = 0u; i < 16u; i++) {
    exchange[exchange_at(lane, from_bit, i)] = s[i >> 2u][i & 3u];
  }
  workgroupBarrier();
  for (var i = 0u; i < 16u; i++) {
    s[i >> 2u][i & 3u] = exchange[exchange_at(lane, to_bit, i)];
  }
  return s;
}

// Thread `lane` gives and gets values 16 * lane to 16 * lane + 15 of the chunk.
fn hadamard(values: Sixteen, lane: u32) -> Sixteen {
  var s = values;
  for (var bit = 0u; (1u << bit) < BLOCK; bit += 4u) {
    s = transform_bits(s, bit);
    if (BLOCK > 16u) {
      s = change_hands(s, lane, bit, select(0u, bit + 4u, (16u << bit) < BLOCK));
    }
  }
  return s;
}
