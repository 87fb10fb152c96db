// A model of the last two tokens, made of nothing but a key, and the plainest way to draw.
import type { Candidate } from "../../src/speculate/drafter";
import type { Draws } from "../../src/speculate/filters";
import { philox } from "../../src/speculate/philox";

export const rules: Draws = {
  seed: 1n,
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
};

/** Logits that depend on the last two tokens; `spread` is about their standard deviation. */
export class ToyModel {
  readonly vocabulary: number;
  readonly #key: number;
  readonly #spread: number;

  constructor({ vocabulary = 20, key = 1, spread = 2 }: { vocabulary?: number; key?: number; spread?: number } = {}) {
    this.vocabulary = vocabulary;
    this.#key = key;
    this.#spread = spread;
  }

  logits(text: readonly number[]): Float32Array<ArrayBuffer> {
    const [before = 0, last = 0] = [text.at(-2), text.at(-1)];
    return Float32Array.from({ length: this.vocabulary }, (_, token) => {
      const words = philox([this.#key, 0], [token, last, before, 7]);
      return (words.reduce((sum, word) => sum + word / 2 ** 32, 0) - 2) * this.#spread * Math.sqrt(3);
    });
  }

  /** Probabilities at temperature 1, the likeliest first. */
  candidates(text: readonly number[], most: number): Candidate[] {
    const masses = Array.from(this.logits(text), Math.exp);
    const total = masses.reduce((a, b) => a + b, 0);
    return masses
      .map((mass, token) => ({ token, probability: mass / total }))
      .sort((a, b) => b.probability - a.probability)
      .slice(0, most);
  }

  /** The token behind `text`, of which the first `promptLength` tokens are the prompt. */
}
