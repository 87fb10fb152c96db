// Drafts from the text itself: what followed the last time that the same words stood there. Names, quotations, code and refrains come again.
import type { Candidate, Drafter } from "./drafter";

const MOST_TOKENS = 16_384; // kept; beyond them the older half is forgotten, which bounds memory to about 20 MB
const MOST_LINKS = 16; // shorter contexts of a token that are counted, the longest first, so that an append takes bounded time
const MOST_CANDIDATES = 4;
const HALF_LIFE = 512; // tokens in which a continuation loses half of its weight

/** How often a token followed a context, lately more than long ago. */
interface Continuation {
  weight: number; // as of `at`
  at: number; // in the text
}

/** A class of contexts that end at the same places of the text. */
interface State {
  readonly length: number; // of the longest of them
  link: State | null; // the longest of those that end in more places
  readonly next: Map<number, State>;
  readonly followed: Map<number, Continuation>;
}

/** The suffix automaton of a growing text. Source: Blumer et al., "The smallest automaton recognizing the subwords of a text" (1985). */
export class SuffixDrafter implements Drafter {
  readonly name = "suffix";
  #text: number[] = [];
  #root = newState(0, null);
  #last = this.#root;

  reset(tokens: readonly number[]): void {
    // The next turn's prompt usually goes on from the last one and its reply.
    const goesOn = tokens.length >= this.#text.length && this.#text.every((token, i) => token === tokens[i]);
    if (!goesOn) this.#forget();
    this.append(tokens.slice(this.#text.length));
  }

  append(tokens: readonly number[]): void {
    for (const token of tokens) {
      if (this.#text.length >= MOST_TOKENS) {
        const newer = this.#text.slice(MOST_TOKENS / 2);
        this.#forget();
        this.append(newer);
      }
      this.#count(token);
      this.#extend(token);
      this.#text.push(token);
    }
  }

  /** The longest suffix of text and path that stands in the text before, and what followed it there. */
  propose(path: readonly number[]): readonly Candidate[] {
    let state = this.#last.link ?? this.#root;
    let { length } = state;
    for (const token of path) {
      while (state.link && !state.next.has(token)) {
        state = state.link;
        ({ length } = state);
      }
      const next = state.next.get(token);
      if (next) {
        state = next;
        length++;
      }
    }
    // A context that ends the text alone has nothing behind it.
    while (state.link && state.followed.size === 0) {
      state = state.link;
      length = Math.min(length, state.length);
    }
    if (length === 0) return [];
    const weighed = Array.from(state.followed, ([token, continuation]) => ({ token, weight: this.#weight(continuation) }));
    const total = weighed.reduce((sum, { weight }) => sum + weight, 0);
    // The longer the context, the less likely it is that chance brought it back.
    const trust = (1 - 0.5 ** length) / total;
    weighed.sort((a, b) => b.weight - a.weight || a.token - b.token);
    return weighed.slice(0, MOST_CANDIDATES).map(({ token, weight }) => ({ token, probability: weight * trust }));
  }

  #forget(): void {
    this.#text = [];
    this.#root = newState(0, null);
    this.#last = this.#root;
  }

  #weight({ weight, at }: Continuation): number {
    return weight * 2 ** ((at - this.#text.length) / HALF_LIFE);
  }

  /** Notes that `token` follows every context that ends the text. */
  #count(token: number): void {
    let state: State | null = this.#last;
    for (let links = 0; state && links < MOST_LINKS; links++, state = state.link) {
      const before = state.followed.get(token);
      state.followed.set(token, { weight: 1 + (before ? this.#weight(before) : 0), at: this.#text.length });
    }
  }

  #extend(token: number): void {
    const added = newState(this.#last.length + 1, this.#root);
    let state: State | null = this.#last;
    while (state && !state.next.has(token)) {
      state.next.set(token, added);
      state = state.link;
    }
    this.#last = added;
    const next = state?.next.get(token);
    if (!state || !next) return;
    if (next.length === state.length + 1) {
      added.link = next;
      return;
    }
    const split: State = {
      length: state.length + 1,
      link: next.link,
      next: new Map(next.next),
      followed: new Map(Array.from(next.followed, ([follower, continuation]) => [follower, { ...continuation }])),
    };
    for (; state && state.next.get(token) === next; state = state.link) state.next.set(token, split);
    next.link = split;
    added.link = split;
  }
}

function newState(length: number, link: State | null): State {
  return { length, link, next: new Map(), followed: new Map() };
}
