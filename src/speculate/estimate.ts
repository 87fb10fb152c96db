import type { DrafterName } from "./drafter";

/** Where a draft comes from, as far as that tells how likely it is to be right. */
export interface Source {
  readonly drafter: DrafterName;
  readonly rank: number; // among the drafter's candidates there, by score; 0 is the best
  readonly probability: number; // that the drafter gave it
}

const BINS = 5; // of probability
const RANKS = 3; // told apart
const TRUST = 4; // observations that the drafter's own probability counts for
const MEMORY = 0.97; // what each observation leaves of the weight of those before it
const FADING = 0.99; // what a token without an observation leaves of it

interface Record {
  right: number;
  seen: number;
}

/** A running estimate of how often a draft equals what the model draws there, by drafter, rank and claimed probability. */
export class Acceptance {
  readonly #records = new Map<string, Record>();

  /** How likely a draft is to be right, given that its parent was: in (0, 1). */
  chance(source: Source): number {
    const { right, seen } = this.#records.get(keyOf(source)) ?? { right: 0, seen: 0 };
    // Shared noise makes the best draft right about as often as the two distributions overlap, which is at least what it claims for itself.
    const prior = Math.min(0.95, Math.max(0.02, source.probability / 2 ** source.rank));
    return (right + TRUST * prior) / (seen + TRUST);
  }

  /** A draft whose parent was right turned out right or wrong. */
  observe(source: Source, isRight: boolean): void {
    const key = keyOf(source);
    const { right, seen } = this.#records.get(key) ?? { right: 0, seen: 0 };
    this.#records.set(key, { right: right * MEMORY + Number(isRight), seen: seen * MEMORY + 1 });
  }

  /** A token went by of which this drafter was not asked: what is known of it says a little less, so that it is tried again now and then. */
  fade(drafter: DrafterName): void {
    for (const [key, record] of this.#records) {
      if (!key.startsWith(`${drafter} `)) continue;
      record.right *= FADING;
      record.seen *= FADING;
    }
  }
}

function keyOf({ drafter, rank, probability }: Source): string {
  return `${drafter} ${Math.min(rank, RANKS - 1)} ${Math.min(BINS - 1, Math.floor(probability * BINS))}`;
}
