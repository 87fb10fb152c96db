// What the model says on this device, learned from its replies. It stays on the device: whoever owns the store can see it and erase it.
import { EngineError } from "../protocol/errors";
import type { ContextTable } from "./context_drafter";
import type { Candidate } from "./drafter";
import { expectVocabulary, type Vocabulary } from "./fingerprint";

const MAGIC = 0x6e737270; // "prsn"
const VERSION = 1;
const HEADER_WORDS = 5;
const LONGEST_CONTEXT = 3;
const ENTRY_WORDS = LONGEST_CONTEXT + 3; // length, context, token, count

/** Entries at most; some 100 bytes each in memory and 24 stored. Beyond that all are forgotten by half. */
const MAX_ENTRIES = 50_000;

/** A token that followed a context, and how often of late. */
export interface PersonalEntry {
  readonly context: readonly number[];
  readonly token: number;
  readonly count: number;
}

/** Counts of what followed contexts of one to three tokens. */
export class PersonalTable implements ContextTable {
  readonly longestContext = LONGEST_CONTEXT;
  readonly #vocabulary: Vocabulary;
  readonly #maxEntries: number;
  readonly #contexts = new Map<string, Map<number, number>>();
  #size = 0;

  constructor(vocabulary: Vocabulary, maxEntries = MAX_ENTRIES) {
    this.#vocabulary = vocabulary;
    this.#maxEntries = maxEntries;
  }

  /** Entries. */
  get size(): number {
    return this.#size;
  }

  /** Learns a reply, which are the tokens of a text from `from` on; those before it are only contexts. */
  learn(text: readonly number[], from: number): void {
    for (let at = Math.max(1, from); at < text.length; at++) {
      for (let length = 1; length <= Math.min(LONGEST_CONTEXT, at); length++) this.#add(text.slice(at - length, at), text[at] ?? 0, 1);
    }
    while (this.#size > this.#maxEntries) this.#halve();
  }

  /** Tokens that followed the context, each with its share; what was seen seldom leaves much over. Witten and Bell, "The zero-frequency problem" (1991). */
  candidates(context: readonly number[]): readonly Candidate[] {
    const counts = this.#contexts.get(keyOf(context));
    if (!counts) return [];
    const all = [...counts.values()].reduce((sum, count) => sum + count, counts.size);
    return Array.from(counts, ([token, count]) => ({ token, probability: count / all }));
  }

  /** Everything that is known, the most frequent first, and of those the longest contexts. */
  entries(): PersonalEntry[] {
    return Array.from(this.#contexts, ([key, counts]) =>
      Array.from(counts, ([token, count]) => ({ context: contextOf(key), token, count })),
    )
      .flat()
      .sort((a, b) => b.count - a.count || b.context.length - a.context.length);
  }

  serialize(): ArrayBuffer {
    const words = new Uint32Array(HEADER_WORDS + this.#size * ENTRY_WORDS);
    words.set([MAGIC, VERSION, this.#vocabulary.size, this.#vocabulary.fingerprint, this.#size]);
    let at = HEADER_WORDS;
    for (const [key, counts] of this.#contexts) {
      const context = contextOf(key);
      for (const [token, count] of counts) {
        words.set([context.length, ...context], at);
        words.set([token, count], at + 1 + LONGEST_CONTEXT);
        at += ENTRY_WORDS;
      }
    }
    return words.buffer;
  }

  /** What `serialize` gave. Throws EngineError "model-damaged" if it is something else, or was learned with another tokenizer. */
  static parse(bytes: ArrayBuffer, vocabulary: Vocabulary, maxEntries = MAX_ENTRIES): PersonalTable {
    if (bytes.byteLength % 4 !== 0) throw damaged(`${bytes.byteLength} bytes`);
    const words = new Uint32Array(bytes);
    const [magic, version, size = 0, print = 0, entries = 0] = words;
    if (magic !== MAGIC || version !== VERSION) throw damaged(`magic ${magic}, version ${version}`);
    if (words.length !== HEADER_WORDS + entries * ENTRY_WORDS) throw damaged(`${words.length} words for ${entries} entries`);
    expectVocabulary("What was learned from replies", { size, fingerprint: print }, vocabulary);
    const table = new PersonalTable(vocabulary, maxEntries);
    for (let at = HEADER_WORDS; at < words.length; at += ENTRY_WORDS) {
      const length = words[at] ?? 0;
      const context = Array.from(words.subarray(at + 1, at + 1 + length));
      const [token = 0, count = 0] = words.subarray(at + 1 + LONGEST_CONTEXT);
      if (length < 1 || length > LONGEST_CONTEXT || count < 1 || [...context, token].some((id) => id >= size)) throw damaged(`word ${at}`);
      table.#add(context, token, count);
    }
    return table;
  }

  #add(context: readonly number[], token: number, count: number): void {
    const key = keyOf(context);
    const counts = this.#contexts.get(key) ?? new Map<number, number>();
    if (counts.size === 0) this.#contexts.set(key, counts);
    if (!counts.has(token)) this.#size++;
    counts.set(token, (counts.get(token) ?? 0) + count);
  }

  /** All counts, rounded down: what was seen once is forgotten. */
  #halve(): void {
    for (const [key, counts] of this.#contexts) {
      for (const [token, count] of counts) {
        if (count > 1) counts.set(token, Math.floor(count / 2));
        else {
          counts.delete(token);
          this.#size--;
        }
      }
      if (counts.size === 0) this.#contexts.delete(key);
    }
  }
}

function keyOf(context: readonly number[]): string {
  return context.join(" ");
}

function contextOf(key: string): number[] {
  return key.split(" ").map(Number);
}

function damaged(detail: string): EngineError {
  return new EngineError("model-damaged", "What was learned from replies is damaged.", detail);
}
