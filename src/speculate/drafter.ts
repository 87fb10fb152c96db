/** Who may propose a token: by text seen before, by tables of the model's and of this device's replies, or by a smaller model. */
export type DrafterName = "suffix" | "ngram" | "personal" | "draft";

/** A token that may come next, with the probability that the drafter gives it, before temperature, filters and penalties. */
export interface Candidate {
  readonly token: number;
  readonly probability: number; // above 0, at most 1; those of one proposal sum to at most 1
}

/** More candidates than this at one place are of no use. */
export const MAX_CANDIDATES = 8;

/** Guesses how a text goes on. What it says can make a reply quicker, never another one. */
export interface Drafter {
  readonly name: DrafterName;
  /** Begins a reply to `tokens`, the prompt. What it shares with the last text need not be read again. */
  reset(tokens: readonly number[]): void;
  /** The text goes on by these, which are certain. */
  append(tokens: readonly number[]): void;
  /** A few tokens that may follow the text and then `path`, the likeliest first. Changes nothing that is seen from outside. */
  propose(path: readonly number[]): readonly Candidate[];
}
