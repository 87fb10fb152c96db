// What the caches hold: the tokens that were fed, and copies of the recurrent states at a few places. Keys and values can be cut off anywhere,
// but a convolution cannot be run backwards, so going back means going to a copy.

/** A place that recurrent states were copied at. */
interface Mark {
  readonly position: number;
  readonly index: number; // of the copy
}

/** What to do before feeding the rest of a prompt. */
export interface Reuse {
  readonly kept: number; // tokens of the prompt that the caches hold; the rest is to be fed
  readonly restore: number | "clear" | null; // the copy to restore, states to be cleared, or states that are right as they are
}

export class Sequence {
  readonly #marks: Mark[] = [];
  readonly #copies: number;
  #tokens: number[] = [];

  /** Room for this many copies of the recurrent states; null for a model that has none. */
  constructor(copies: number | null) {
    this.#copies = copies ?? 0;
    this.#recurrent = copies !== null;
  }

  readonly #recurrent: boolean;

  get length(): number {
    return this.#tokens.length;
  }

  /** Notes tokens that were fed. */
  push(tokens: readonly number[]): void {
    for (const token of tokens) this.#tokens.push(token);
  }

  /** Tokens of a text that need not be fed again. At least one is left to be fed, since only that gives logits. */
  kept(text: readonly number[]): number {
    let shared = 0;
    const most = Math.min(text.length - 1, this.#tokens.length);
    while (shared < most && text[shared] === this.#tokens[shared]) shared++;
    if (shared === this.#tokens.length || !this.#recurrent) return shared;
    return this.#marks.findLast(({ position }) => position <= shared)?.position ?? 0;
  }

  /** Cuts back to what of a prompt need not be fed again. */
  reuse(prompt: readonly number[]): Reuse {
    const kept = this.kept(prompt);
    const isCut = kept < this.#tokens.length;
    this.#tokens.length = kept;
    if (!isCut || !this.#recurrent) return { kept, restore: null };
    while ((this.#marks.at(-1)?.position ?? 0) > kept) this.#marks.pop();
    return { kept, restore: this.#marks.at(-1)?.index ?? "clear" };
  }

  /** Where to copy the states to at the present position, or null where that is of no use. The oldest copy gives way. */
  mark(): number | null {
    const position = this.#tokens.length;
    if (this.#copies === 0 || position === 0 || this.#marks.at(-1)?.position === position) return null;
    const used = new Set(this.#marks.map(({ index }) => index));
    let index = 0;
    while (index < this.#copies && used.has(index)) index++;
    if (index === this.#copies) index = this.#marks.shift()?.index ?? 0;
    this.#marks.push({ position, index });
    return index;
  }

  clear(): void {
    this.#tokens = [];
    this.#marks.length = 0;
  }
}
