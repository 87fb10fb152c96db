// The up to four queries of one kv head for which attention reads keys and values once, and where each finds its keys.
override HEADS: u32;
override KV_HEADS: u32;

struct Tile {
  kv_head: u32,
  count: u32, // queries; behind the pass's last one there are some that see nothing
  width: u32, // places for queries, 2 or 4: a GPU does not mind the empty ones, but software does
  rows: vec4<u32>,
  heads: vec4<u32>, // places among the queries, [rows, HEADS]
  oldest: vec4<u32>, // the first position that each sees
  newest: vec4<u32>, // and the last, its own
  first: u32, // that any sees
  last: u32,
}

fn tile_at(kv_head: u32, index: u32) -> Tile {
  let sharing = HEADS / KV_HEADS;
  let end = min(index * 4u + 4u, batch.rows * sharing);
  var tile = Tile();
  tile.kv_head = kv_head;
  tile.count = end - index * 4u;
  tile.width = select(4u, 2u, tile.count < 3u);
  tile.oldest = vec4<u32>(0xffffffffu);
  tile.first = 0xffffffffu;
  for (var query = index * 4u; query < end; query++) {
    let row = query / sharing;
    let newest = batch.position + depth_of(row);
    let oldest = oldest_seen(newest);
    let here = is_query(query % 4u);
    tile.rows = select(tile.rows, vec4<u32>(row), here);
    tile.heads = select(tile.heads, vec4<u32>(row * HEADS + kv_head * sharing + query % sharing), here);
    tile.oldest = select(tile.oldest, vec4<u32>(oldest), here);
    tile.newest = select(tile.newest, vec4<u32>(newest), here);
    tile.first = min(tile.first, oldest);
    tile.last = max(tile.last, newest);
  }
  return tile;
}

fn is_query(q: u32) -> vec4<bool> {
  return vec4<u32>(0u, 1u, 2u, 3u) == vec4<u32>(q);
}

// The query whose weights a thread computes.
fn query_of(tile: Tile, thread: u32) -> u32 {
  return thread & (tile.width - 1u);
}

fn begins(tile: Tile, q: u32, chunk: u32) -> bool {
  return tile.oldest[q] / CHUNK == chunk;
}

fn ends(tile: Tile, q: u32, chunk: u32) -> bool {
  return tile.newest[q] / CHUNK == chunk;
}

fn sees(tile: Tile, q: u32, chunk: u32) -> bool {
  return tile.oldest[q] / CHUNK <= chunk && chunk <= tile.newest[q] / CHUNK;
}

// Whether the queries may have different keys at this position: a tree's keys lie in the order of its rows.
fn is_apart(position: u32) -> bool {
  return batch.tree == 1u && position >= batch.position;
}

// Where the key at a position lies for one of the queries. Where they are not apart that is one place for all.
fn slot_of(tile: Tile, q: u32, position: u32) -> u32 {
  if (is_apart(position)) {
    return batch.position + ancestor(tile.rows[q], position - batch.position);
  }
  return position;
}

// How many of a chunk's keys are the same for all queries.
fn common_keys(start: u32, keys: u32) -> u32 {
  return select(keys, clamp(batch.position, start, start + keys) - start, batch.tree == 1u);
}
