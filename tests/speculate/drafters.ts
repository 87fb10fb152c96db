// Drafters that no user would want, to see that a reply never depends on who drafts.
import type { Candidate, Drafter, DrafterName } from "../../src/speculate/drafter";
import { philox } from "../../src/speculate/philox";

/** What drafters have in common: the text so far. */
abstract class TextDrafter implements Drafter {
  readonly name: DrafterName = "draft";
  protected text: number[] = [];

  reset(tokens: readonly number[]): void {
    this.text = [...tokens];
  }

  append(tokens: readonly number[]): void {
    this.text.push(...tokens);
  }

  abstract propose(path: readonly number[]): readonly Candidate[];
}

/** Knows the whole text, and says nothing where the text so far is another. */
export class Oracle extends TextDrafter {
  readonly #whole: readonly number[];

  constructor(whole: readonly number[]) {
    super();
    this.#whole = whole;
  }

  propose(path: readonly number[]): readonly Candidate[] {
    const known = [...this.text, ...path];
    const token = this.#whole[known.length];
    return token !== undefined && known.every((one, i) => one === this.#whole[i]) ? [{ token, probability: 1 }] : [];
  }
}

/** Proposes what comes next in `whole` and others with it, so that trees branch and walks end anywhere. */
export class Muddled extends TextDrafter {
  readonly #whole: readonly number[];
  readonly #vocabulary: number;

  constructor(whole: readonly number[], vocabulary: number) {
    super();
    this.#whole = whole;
    this.#vocabulary = vocabulary;
  }

  propose(path: readonly number[]): readonly Candidate[] {
    const at = this.text.length + path.length;
    const hash = [...path, at].reduce((sum, x) => Math.imul(sum ^ x, 0x9e3779b1) >>> 0, 7);
    const right = this.#whole[at] ?? 0;
    const others = [hash % this.#vocabulary, (hash >>> 9) % this.#vocabulary].filter((token) => token !== right);
    const tokens = hash % 5 < 3 ? [right, ...others] : others;
    return tokens.slice(0, 1 + (hash % 3)).map((token, i) => ({ token, probability: 0.5 / 2 ** i }));
  }
}

/** Proposes tokens at random, and is wrong every time: it avoids what comes next in `whole`. */
export class Wrong extends TextDrafter {
  readonly #whole: readonly number[];
  readonly #vocabulary: number;

  constructor(whole: readonly number[], vocabulary: number) {
    super();
    this.#whole = whole;
    this.#vocabulary = vocabulary;
  }

  propose(path: readonly number[]): readonly Candidate[] {
    const at = this.text.length + path.length;
    const words = philox([at, 0xbad], [path.length, path.at(-1) ?? 0, path.at(-2) ?? 0, 0]);
    const tokens = new Set(words.map((word) => word % this.#vocabulary).filter((token) => token !== this.#whole[at]));
    return Array.from(tokens, (token, i) => ({ token, probability: 0.5 / 2 ** i }));
  }
}
