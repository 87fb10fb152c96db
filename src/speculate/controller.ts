// When speculation pays, and with how many drafts: the tree that promises the most tokens a millisecond, or none.
import { type Costs, withoutPause } from "./costs";
import type { Draft } from "./tree";

const MARGIN = 1.05; // a tree must promise this much more than plain decoding, which also keeps the GPU busy between passes
const ALLOWED_LOSS = 0.025; // of the time that tokens take at plain speed
const TRUST = 0.8; // of a token's time: what a reply may lose at most before its own tokens allow it
const FADING = 0.05; // of what coming back was seen to take, for each token of a run of plain decoding: it may have been a pause
// A round may take so many times a token's time even where that is longer than a submit should be: no screen stands still much longer than it
// does for a token, and a device about as slow as the limit does not speculate now and then. Not less, or a round of two rows would never be tried.
const LEEWAY = 1.25;

export class Controller {
  readonly #costs: Costs;
  readonly #submitMs: number;
  #lossMs = 0; // what this reply's rounds, and coming back from them, took more than plain decoding of the same tokens would have
  #trust = TRUST; // of this reply: lent once, and earned again by what replies were allowed to lose and did not, or won
  #returnMs = 0; // what the first plain token behind rounds took of late more than one in a run of them: the GPU waits
  #tokens = 0; // of this reply

  /** No round's pass is expected to take longer than `submitMs`, or, where a token takes about as long, than a little more than that. */
  constructor(costs: Costs, submitMs = Number.POSITIVE_INFINITY) {
    this.#costs = costs;
    this.#submitMs = submitMs;
  }

  begin(): void {
    this.#trust = Math.min(TRUST, this.#trust + ALLOWED_LOSS * this.#tokens - this.#lossMs / (this.#costs.plainMs ?? 1));
    this.#lossMs = 0;
    this.#tokens = 0;
  }

  /** How many of the drafts, likeliest first, are worth verifying together; 0: decode plainly. */
  worth(drafts: readonly Pick<Draft, "reach">[], draftMs: number): number {
    return this.#best(drafts, () => draftMs);
  }

  /** How many steps a drafter should take whose drafts are right with this chance, each where the one before it was; 0: decode plainly. */
  steps(most: number, chance: number, draftMs: (steps: number, plainMs: number) => number): number {
    return this.#best(
      Array.from({ length: most }, (_, i) => ({ reach: chance ** (i + 1) })),
      draftMs,
    );
  }

  #best(drafts: readonly Pick<Draft, "reach">[], draftMs: (drafts: number, plainMs: number) => number): number {
    const { plainMs } = this.#costs;
    if (plainMs === null) return 0; // there is nothing to compare with yet
    const longestMs = Math.max(this.#submitMs, LEEWAY * plainMs);
    let best = { drafts: 0, rate: MARGIN / plainMs };
    let tokens = 1;
    drafts.slice(0, this.#costs.mostRows - 1).forEach(({ reach }, i) => {
      tokens += reach;
      const roundMs = this.#costs.roundMs(i + 2);
      const drafting = draftMs(i + 1, plainMs);
      const ms = roundMs + drafting;
      const rate = tokens / ms;
      // Where none is right, drafting once more before that is seen is the least that coming back takes.
      const lossMs = ms - plainMs + Math.max(drafting, this.#returnMs);
      if (roundMs <= longestMs && rate > best.rate && this.#lossMs + lossMs <= this.#allowedMs(plainMs)) best = { drafts: i + 1, rate };
    });
    return best.drafts;
  }

  /** A token was drawn plainly in this time; `isPaced` says that it stood in a run of such tokens, and not behind rounds. */
  sawPlain(ms: number, isPaced: boolean): void {
    this.#tokens++;
    if (isPaced) {
      this.#returnMs *= 1 - FADING;
      return;
    }
    const { plainMs } = this.#costs;
    const moreMs = plainMs === null ? 0 : withoutPause(ms, plainMs) - plainMs;
    this.#lossMs += moreMs;
    this.#returnMs = Math.max(0, (this.#returnMs + moreMs) / 2);
  }

  /** So much time went into drafts that a round may use. */
  spent(ms: number): void {
    this.#lossMs += ms;
  }

  /** A round of so many rows gave this many tokens in this time, but for what was spent before. Its cost is learnt afterwards. */
  sawRound(rows: number, tokens: number, ms: number): void {
    const { plainMs } = this.#costs;
    this.#tokens += tokens;
    if (plainMs !== null) this.#lossMs += withoutPause(ms, this.#costs.roundMs(rows)) - tokens * plainMs;
  }

  /** The last round's last tokens, so many of them, stand behind the reply's end, so that nobody gained them. */
  cut(tokens: number): void {
    this.#tokens -= tokens;
    this.#lossMs += tokens * (this.#costs.plainMs ?? 0);
  }

  // What a round may lose in the worst case, where none of its drafts is right, is bounded by what the reply can bear so far, or has in trust:
  // nobody knows how long it will be, and where speculation pays, it pays from the first tokens on.
  #allowedMs(plainMs: number): number {
    return Math.max(this.#trust, ALLOWED_LOSS * this.#tokens) * plainMs;
  }
}
