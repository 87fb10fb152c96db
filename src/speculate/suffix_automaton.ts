// All substrings of the texts seen, in space linear in their length, each with what came after it. Source: Blumer et al., "The smallest automaton
// recognizing the subwords of a text" (1985). Texts may share a beginning: a reply made anew goes on from where the old one began.

const BEST = 4; // continuations that a state has at hand
const DECAY = 0.9; // of a continuation's weight, each time that its state is met again: recent counts for more than frequent
// States whose counts one token may touch, the longest contexts first; only a text that repeats itself without end has more.
const TOUCHED = 16;

/** A way on from a state by one token. */
export interface Edge {
  readonly token: number;
  target: State;
  weight: number; // at the state's visit number `at`
  at: number;
}

/** The substrings that end at the same places, which are the suffixes of the longest down to one longer than `link`'s longest. */
export class State {
  readonly length: number; // tokens; of the longest
  readonly edges: Map<number, Edge>;
  readonly best: Edge[]; // the heaviest, in falling order
  link: State | null; // the longest suffix that also ends elsewhere; null for the empty one
  visits: number; // continuations counted
  total: number; // the weight of all of them

  constructor(length: number, like: State | null) {
    this.length = length;
    this.edges = new Map();
    for (const [token, edge] of like?.edges ?? []) this.edges.set(token, { ...edge });
    this.best = (like?.best ?? []).flatMap(({ token }) => this.edges.get(token) ?? []);
    this.link = like?.link ?? null;
    this.visits = like?.visits ?? 0;
    this.total = like?.total ?? 0;
  }

  /** The weight of a continuation now; those of all together are `total`. */
  weightOf({ weight, at }: Edge): number {
    return weight * DECAY ** (this.visits - at);
  }

  /** Counts one of the edges. Weights fall all alike, so no other two change places. */
  count(edge: Edge): void {
    const { best } = this;
    this.visits += 1;
    this.total = this.total * DECAY + 1;
    edge.weight = this.weightOf(edge) + 1;
    edge.at = this.visits;
    let place = best.indexOf(edge);
    if (place < 0) place = best.push(edge) - 1;
    for (let above = best[place - 1]; above && this.weightOf(above) <= edge.weight; above = best[place - 1]) {
      best[place] = above;
      best[--place] = edge;
    }
    if (best.length > BEST) best.pop();
  }
}

/**
 * The state of the text in `last`, whose longest substring is that text, with `token` after it. O(1) amortised over a text, but for the copies
 * of edges when a state is split.
 */
export function extend(last: State, token: number): State {
  const fresh = new State(last.length + 1, null);
  let shortest = last;
  let state: State | null = last;
  for (; state && !state.edges.has(token); shortest = state, state = state.link) {
    const edge = { token, target: fresh, weight: 0, at: state.visits };
    state.edges.set(token, edge);
    state.count(edge);
  }
  // From here on, the token has come after the text's suffixes before. Splitting changes none of the states that are still to be counted.
  const seen = state?.edges.get(token);
  const reached = state && seen ? exactTarget(state, seen) : shortest;
  const followed = state === last;
  for (let touched = 0; state && touched < TOUCHED; state = state.link, touched++) {
    const edge = state.edges.get(token);
    if (edge) state.count(edge);
  }
  if (followed) return reached;
  fresh.link = reached;
  return fresh;
}

/** What an edge leads to, as a state whose longest substring is the longest of `from` with the token; split off where it was longer. */
function exactTarget(from: State, { token, target }: Edge): State {
  if (target.length === from.length + 1) return target;
  const split = new State(from.length + 1, target);
  target.link = split;
  for (let state: State | null = from; state; state = state.link) {
    const edge = state.edges.get(token);
    if (edge?.target !== target) break;
    edge.target = split;
  }
  return split;
}
