import type { Draws } from "./filters";

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
  /** Its candidates come in the order of its own draws, with the reply's noise; without it, draws are made from their probabilities. */
  readonly isRanked?: boolean;
  /** Begins a reply to `tokens`, the prompt, drawn like that. What it shares with the last text need not be read again. */
  reset(tokens: readonly number[], draws: Draws): void;
  /** The text goes on by these, which are certain. */
  append(tokens: readonly number[]): void;
  /** A few tokens that may follow the text and then `path`, the likeliest first. Changes nothing that is seen from outside. */
  propose(path: readonly number[]): readonly Candidate[];
}

/** One that must work before it can propose anything: a model on the GPU. */
export interface AheadDrafter extends Drafter {
  readonly claim: number; // the probability that it gives its best, of which it knows nothing better
  readonly stepMs: number | null; // of a step, where that was measured
  /** Tokens of the text that it has to read before it drafts. */
  readonly backlog: number;
  /** Works out what may follow the text, so many tokens far or fewer; until the next `append`, `propose` tells of it. */
  ahead(steps: number): Promise<void>;
}
