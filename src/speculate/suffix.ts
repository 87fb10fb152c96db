// Guesses from the conversation itself: what came after the longest suffix of the text that came before.

import type { Candidate, Drafter } from "./drafter";
import { extend, State } from "./suffix_automaton";
import { type Context, weigh } from "./weigh";

const MOST_TOKENS = 32_768; // held at a time, some 20 MB; with one more, the oldest half of the text goes
const MOST_CONTEXTS = 4; // suffixes that one proposal weighs, the longest first

/** A suffix of the text, `length` tokens of one of the state's substrings. */
interface Match {
  readonly state: State;
  readonly length: number;
}

/** Memory and time for a proposal are bounded whatever the conversation's length. */
export class SuffixDrafter implements Drafter {
  readonly name = "suffix";
  #text: number[] = [];
  #dropped = 0; // tokens of the conversation that stand before `#text` and are forgotten
  #states: State[] = [new State(0, null)]; // of the text's first 0, 1, 2, ... tokens
  #held = 0; // tokens in the automaton: those of the text, and those of what it said before a message or a reply was changed

  reset(tokens: readonly number[]): void {
    let shared = 0;
    while (shared < this.#text.length && this.#text[shared] === tokens[this.#dropped + shared]) shared += 1;
    // A reply made anew is often much like the old one, so what the old one said is kept. Another conversation's text is not.
    if (2 * (this.#dropped + shared) < tokens.length || shared === 0) {
      this.#rebuild(tokens, Math.max(0, tokens.length - MOST_TOKENS));
    } else {
      this.#text.length = shared;
      this.#states.length = shared + 1;
      this.append(tokens.slice(this.#dropped + shared));
    }
  }

  append(tokens: readonly number[]): void {
    for (const token of tokens) {
      if (this.#held === MOST_TOKENS) this.#rebuild(this.#text, Math.max(0, this.#text.length - MOST_TOKENS / 2), this.#dropped);
      this.#add(token);
    }
  }

  propose(path: readonly number[]): readonly Candidate[] {
    const begin = path.reduce<Match>(follow, { state: this.#last, length: this.#text.length });
    return weigh(contextsOf(begin));
  }

  get #last(): State {
    const last = this.#states.at(-1);
    if (!last) throw new Error("A text has a state.");
    return last;
  }

  #add(token: number): void {
    this.#states.push(extend(this.#last, token));
    this.#text.push(token);
    this.#held += 1;
  }

  /** Begins anew with `tokens` from `from` on; `dropped` tokens stood before them. */
  #rebuild(tokens: readonly number[], from: number, dropped = 0): void {
    this.#dropped = dropped + from;
    this.#text = [];
    this.#states = [new State(0, null)];
    this.#held = 0;
    for (const token of tokens.slice(from)) this.#add(token);
  }
}

/** Of the match and its suffixes, the longest that something followed. */
function* contextsOf(begin: Match): Generator<Context> {
  let contexts = 0;
  for (let match = begin; match.length > 0 && contexts < MOST_CONTEXTS; match = shorter(match)) {
    const { state, length } = match;
    if (state.visits === 0) continue;
    contexts += 1;
    yield { length, total: state.total, next: state.best.map((edge) => ({ token: edge.token, weight: state.weightOf(edge) })) };
  }
}

/** The longest suffix of the match and the token that came before. */
function follow(match: Match, token: number): Match {
  let from = match;
  while (from.length > 0 && !from.state.edges.has(token)) from = shorter(from);
  const target = from.state.edges.get(token)?.target;
  return target ? { state: target, length: from.length + 1 } : from;
}

/** The longest suffix of the match that came before at more places; the empty one in the end. */
function shorter({ state }: Match): Match {
  return state.link ? { state: state.link, length: state.link.length } : { state, length: 0 };
}
