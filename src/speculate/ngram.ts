// N-grams on disk: unsigned 32-bit words, little-endian, read where they lie. A context is known by a hash of its tokens, so a query costs a binary
// search an order and loading costs nothing.
//
//   0  magic, version, vocabulary size, tokenizer fingerprint, longest context, words in all
//   6  for each context length from 1: how many contexts
//   .. for each length: hashes, ascending; then where the entries of each begin, and where the last one's end
//   .. entries: token * 256 + code of the probability, the likeliest first
import { EngineError } from "../protocol/errors";
import type { ContextTable } from "./context_drafter";
import type { Candidate } from "./drafter";
import { expectVocabulary, type Vocabulary } from "./fingerprint";

const MAGIC = 0x6d72676e; // "ngrm"
const VERSION = 1;
const HEADER_WORDS = 6;
const MAX_CONTEXT = 8;

/** Codes are -ln p in units of 1/32, up to 8. */
const CODE_STEPS = 32;

/** What one context says of the token behind it. */
export interface ContextEntry {
  readonly context: readonly number[];
  readonly candidates: readonly Candidate[]; // by falling probability; together at most 1
}

interface Order {
  readonly hashes: Uint32Array;
  readonly starts: Uint32Array; // one more than hashes
}

export class NgramTable implements ContextTable {
  readonly longestContext: number;
  readonly #orders: readonly Order[]; // [context length - 1]
  readonly #entries: Uint32Array;
  readonly contexts: number;

  /** Reads a table where it lies. Throws EngineError "model-damaged" if it is none, or is for another tokenizer. */
  constructor(bytes: ArrayBuffer, vocabulary: Vocabulary) {
    if (bytes.byteLength % 4 !== 0 || bytes.byteLength < 4 * HEADER_WORDS) throw damaged(`${bytes.byteLength} bytes`);
    const words = new Uint32Array(bytes);
    const [magic, version, size = 0, print = 0, longest = 0, length] = words;
    if (magic !== MAGIC || version !== VERSION) throw damaged(`magic ${magic}, version ${version}`);
    if (length !== words.length || longest < 1 || longest > MAX_CONTEXT)
      throw damaged(`${words.length} words of ${length}, ${longest} orders`);
    expectVocabulary("The table of n-grams", { size, fingerprint: print }, vocabulary);

    const counts = words.subarray(HEADER_WORDS, HEADER_WORDS + longest);
    let at = HEADER_WORDS + longest;
    const orders = Array.from(counts, (count): Order => {
      const order = { hashes: words.subarray(at, at + count), starts: words.subarray(at + count, at + 2 * count + 1) };
      at += 2 * count + 1;
      return order;
    });
    this.longestContext = longest;
    this.#orders = orders;
    this.#entries = words.subarray(Math.min(at, words.length));
    this.contexts = counts.reduce((sum, count) => sum + count, 0);
    this.#check(at, words.length, size);
  }

  /** What the table says behind this context; empty where it does not know it. */
  candidates(context: readonly number[]): readonly Candidate[] {
    const order = this.#orders[context.length - 1];
    if (!order) return [];
    const index = indexOf(order.hashes, hashTokens(context));
    if (index === null) return [];
    return Array.from(this.#entries.subarray(order.starts[index], order.starts[index + 1]), (entry) => ({
      token: entry >>> 8,
      probability: Math.exp(-(entry & 255) / CODE_STEPS),
    }));
  }

  /** Files can be cut short or overwritten; what is read later must lie inside. */
  #check(end: number, words: number, vocabulary: number): void {
    if (end > words) throw damaged(`${end} words of contexts in ${words}`);
    let before = 0;
    for (const { hashes, starts } of this.#orders) {
      for (let i = 1; i < hashes.length; i++) if ((hashes[i] ?? 0) <= (hashes[i - 1] ?? 0)) throw damaged(`hash ${i} is out of order`);
      for (const start of starts) {
        if (start < before || start > this.#entries.length) throw damaged(`entries begin at ${start}`);
        before = start;
      }
    }
    if (before !== this.#entries.length) throw damaged(`${this.#entries.length} entries, not ${before}`);
    for (const entry of this.#entries) if (entry >>> 8 >= vocabulary) throw damaged(`token ${entry >>> 8}`);
  }
}

/** Bytes that a table of contexts and entries takes, but for its header. */
export const CONTEXT_BYTES = 8;
export const ENTRY_BYTES = 4;

/** Lays contexts of 1 to `longest` tokens out. Of two whose hashes collide the first stays. */
export function writeNgramTable(contexts: Iterable<ContextEntry>, longest: number, vocabulary: Vocabulary): ArrayBuffer {
  const orders = Array.from({ length: longest }, () => new Map<number, ContextEntry>());
  for (const entry of contexts) {
    const order = orders[entry.context.length - 1];
    const hash = hashTokens(entry.context);
    if (order && !order.has(hash) && entry.candidates.length > 0) order.set(hash, entry);
  }
  const words: number[] = orders.map(({ size }) => size);
  const entries: number[] = [];
  for (const order of orders) {
    const sorted = Array.from(order).sort(([a], [b]) => a - b);
    for (const [hash] of sorted) words.push(hash);
    for (const [, { candidates }] of sorted) {
      words.push(entries.length);
      for (const { token, probability } of candidates) entries.push(token * 256 + codeOf(probability));
    }
    words.push(entries.length);
  }
  const all = HEADER_WORDS + words.length + entries.length;
  const table = new Uint32Array(all);
  table.set([MAGIC, VERSION, vocabulary.size, vocabulary.fingerprint, longest, all]);
  table.set(words, HEADER_WORDS);
  table.set(entries, HEADER_WORDS + words.length);
  return table.buffer;
}

/** Never rounds up, so that what adds up to at most 1 still does. */
function codeOf(probability: number): number {
  return Math.min(255, Math.ceil(-Math.log(probability) * CODE_STEPS - 1e-9));
}

/** 32 bits; order matters. Mixed as in MurmurHash3. */
function hashTokens(tokens: readonly number[]): number {
  let hash = tokens.length;
  for (const token of tokens) {
    hash = Math.imul(hash ^ token, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return hash >>> 0;
}

function indexOf(sorted: Uint32Array, value: number): number | null {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === value && low < sorted.length ? low : null;
}

function damaged(detail: string): EngineError {
  return new EngineError("model-damaged", "The table of n-grams is damaged.", detail);
}
