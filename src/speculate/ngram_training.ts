// Makes a table of n-grams: counts, discounts, and keeps what is worth its bytes.
import type { Candidate } from "./drafter";
import type { Vocabulary } from "./fingerprint";
import { CONTEXT_BYTES, type ContextEntry, ENTRY_BYTES, writeNgramTable } from "./ngram";

export interface NgramOptions {
  readonly longest: number; // tokens of context
  readonly bytes: number; // of the table, at most
  readonly candidates: number; // a context, at most
}

export const NGRAM_DEFAULTS: NgramOptions = { longest: 4, bytes: 2_000_000, candidates: 6 };

const TOKENS = 2 ** 20; // more than any vocabulary

/** A sequence of tokens that was seen. Its parent lacks the last token. */
interface Gram {
  readonly number: number; // from 1
  readonly parent: Gram | null;
  readonly token: number;
  readonly length: number;
  shorter: Gram | null; // lacks the first token
  count: number; // how often; below the full length, behind how many tokens (Kneser and Ney)
  starts: number; // how often a sequence began with it, so that nothing stood before
  below: number; // sum of what was counted one token on
  probability: number; // behind its parent, discounted
}

/**
 * Interpolated Kneser-Ney estimates with one discount a length, as in Chen and Goodman, "An empirical study of smoothing techniques for language
 * modeling" (1999). Kept are the n-grams that raise the corpus's likelihood most for their bytes: Seymore and Rosenfeld, "Scalable backoff language
 * models" (1996).
 */
export function trainNgrams(
  sequences: Iterable<readonly number[]>,
  vocabulary: Vocabulary,
  options: NgramOptions = NGRAM_DEFAULTS,
): ArrayBuffer {
  const grams = new Grams(options.longest + 1);
  for (const sequence of sequences) grams.read(sequence);
  grams.estimate();
  const kept = prune(grams.worth(), options);
  const contexts = Array.from(kept, ([gram, candidates]): ContextEntry => ({ context: tokensOf(gram), candidates }));
  return writeNgramTable(contexts, options.longest, vocabulary);
}

class Grams {
  readonly #longest: number; // tokens
  readonly #byKey = new Map<number, Gram>();
  readonly #all: Gram[] = [];

  constructor(longest: number) {
    this.#longest = longest;
  }

  read(sequence: readonly number[]): void {
    for (let from = 0; from < sequence.length; from++) {
      let gram: Gram | null = null;
      for (const token of sequence.slice(from, from + this.#longest)) {
        gram = this.#child(gram, token);
        gram.count++;
        if (from === 0) gram.starts++;
      }
    }
  }

  /** From counts to probabilities. */
  estimate(): void {
    this.#countContinuations();
    const ones = new Float64Array(this.#longest + 1);
    const twos = new Float64Array(this.#longest + 1);
    for (const { count, length } of this.#all) {
      if (count === 1) ones[length] = (ones[length] ?? 0) + 1;
      if (count === 2) twos[length] = (twos[length] ?? 0) + 1;
    }
    let first = 0;
    for (const gram of this.#all) {
      if (gram.parent) gram.parent.below += gram.count;
      else first += gram.count;
    }
    for (const gram of this.#all) {
      const [one = 0, two = 0] = [ones[gram.length], twos[gram.length]];
      const discount = one + two === 0 ? 0.5 : one / (one + 2 * two);
      gram.probability = Math.max(0, gram.count - discount) / (gram.parent?.below ?? first);
    }
  }

  /** What keeping each n-gram is worth: how much likelier it makes what was counted than the shorter context does. */
  worth(): { readonly gram: Gram; readonly nats: number }[] {
    return this.#all.flatMap((gram) => {
      if (gram.parent === null || gram.probability === 0) return [];
      const shorter = gram.shorter?.probability ?? 0;
      return { gram, nats: gram.count * Math.log(gram.probability / Math.max(shorter, 1e-6)) };
    });
  }

  /** How often a short n-gram was seen says less than behind how many different tokens. */
  #countContinuations(): void {
    const behind = new Map<Gram, number>();
    for (const gram of this.#all) {
      if (!gram.parent) continue;
      // A parent is older than what grows on it, so its own is known.
      gram.shorter = this.#byKey.get(this.#key(gram.parent.shorter, gram.token)) ?? null;
      if (gram.shorter) behind.set(gram.shorter, (behind.get(gram.shorter) ?? 0) + 1);
    }
    for (const gram of this.#all) if (gram.length < this.#longest) gram.count = (behind.get(gram) ?? 0) + gram.starts;
  }

  #key(parent: Gram | null, token: number): number {
    return (parent?.number ?? 0) * TOKENS + token;
  }

  #child(parent: Gram | null, token: number): Gram {
    const key = this.#key(parent, token);
    const known = this.#byKey.get(key);
    if (known) return known;
    const length = (parent?.length ?? 0) + 1;
    const gram = { number: this.#all.length + 1, parent, token, length, shorter: null, count: 0, starts: 0, below: 0, probability: 0 };
    this.#byKey.set(key, gram);
    this.#all.push(gram);
    return gram;
  }
}

/** For each context what is kept behind it, the likeliest first. */
function prune(
  grams: readonly { readonly gram: Gram; readonly nats: number }[],
  { bytes, candidates: most }: NgramOptions,
): Map<Gram, Candidate[]> {
  const kept = new Map<Gram, Candidate[]>();
  let left = bytes - 256; // the header's
  const byWorth = grams.filter(({ nats }) => nats > 0).sort((a, b) => b.nats - a.nats || a.gram.token - b.gram.token);
  for (const { gram } of byWorth) {
    const context = gram.parent;
    if (!context) continue;
    const candidates = kept.get(context) ?? [];
    const cost = ENTRY_BYTES + (candidates.length === 0 ? CONTEXT_BYTES : 0);
    if (candidates.length >= most || cost > left) continue;
    left -= cost;
    candidates.push({ token: gram.token, probability: gram.probability });
    kept.set(context, candidates);
  }
  for (const candidates of kept.values()) candidates.sort((a, b) => b.probability - a.probability);
  return kept;
}

function tokensOf(gram: Gram): number[] {
  return gram.parent ? [...tokensOf(gram.parent), gram.token] : [gram.token];
}
