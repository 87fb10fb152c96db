// The best few of what a workgroup's threads are offered: by their order, equal ones by the lower token. Each thread must be offered
// tokens in ascending order.
var<private> leading_orders: array<u32, 4>; // that this thread has seen, best first; 0: none
var<private> leading_tokens: array<u32, 4>;

fn offer(order: u32, token: u32) {
  var place = CANDIDATES;
  while (place > 0u && order > leading_orders[place - 1u]) {
    place--;
  }
  if (place < CANDIDATES) {
    for (var i = CANDIDATES - 1u; i > place; i--) {
      leading_orders[i] = leading_orders[i - 1u];
      leading_tokens[i] = leading_tokens[i - 1u];
    }
    leading_orders[place] = order;
    leading_tokens[place] = token;
  }
}

fn forget_offers() {
  leading_orders = array<u32, 4>();
}

var<workgroup> best_order: atomic<u32>;
var<workgroup> best_token: atomic<u32>;
var<workgroup> best: vec2<u32>;

// The largest order of the workgroup, and the lowest token that has it.
fn reduce_best(order: u32, token: u32, lane: u32) -> vec2<u32> {
  if (lane == 0u) {
    atomicStore(&best_order, 0u);
    atomicStore(&best_token, LIVE - 1u);
  }
  workgroupBarrier();
  atomicMax(&best_order, order);
  workgroupBarrier();
  if (atomicLoad(&best_order) == order) {
    atomicMin(&best_token, token);
  }
  workgroupBarrier();
  if (lane == 0u) {
    best = vec2<u32>(atomicLoad(&best_order), atomicLoad(&best_token));
  }
  return workgroupUniformLoad(&best);
}

// The same of what was offered. Whose it was goes on with its next best.
fn take_best(lane: u32) -> vec2<u32> {
  let taken = reduce_best(leading_orders[0], leading_tokens[0], lane);
  if (leading_tokens[0] == taken.y && leading_orders[0] > 0u) {
    for (var i = 1u; i < CANDIDATES; i++) {
      leading_orders[i - 1u] = leading_orders[i];
      leading_tokens[i - 1u] = leading_tokens[i];
    }
    leading_orders[CANDIDATES - 1u] = 0u;
  }
  return taken;
}
