// When speculation pays, and with how many drafts: the tree that promises the most tokens a millisecond, or none.
import type { Costs } from "./costs";
import type { Draft } from "./tree";

const MARGIN = 1.05; // a tree must promise this much more than plain decoding, which also keeps the GPU busy between passes
const ALLOWED_LOSS = 0.025; // of a reply's time at plain speed
const ASSUMED_TOKENS = 32; // that a reply has at least

export class Controller {
  readonly #costs: Costs;
  #lossMs = 0; // what this reply's rounds took more than plain decoding of the same tokens would have
  #tokens = 0; // of this reply

  constructor(costs: Costs) {
    this.#costs = costs;
  }

  begin(): void {
    this.#lossMs = 0;
    this.#tokens = 0;
  }

  /** How many of the drafts, likeliest first, are worth verifying together; 0: decode plainly. */
  worth(drafts: readonly Pick<Draft, "reach">[], draftMs: number): number {
    const { plainMs } = this.#costs;
    if (plainMs === null) return 0; // there is nothing to compare with yet
    let best = { drafts: 0, rate: MARGIN / plainMs };
    let tokens = 1;
    drafts.forEach(({ reach }, i) => {
      tokens += reach;
      const ms = this.#costs.roundMs(i + 2) + draftMs;
      const rate = tokens / ms;
      if (rate > best.rate && this.#lossMs + ms - plainMs <= this.#allowedMs(plainMs)) best = { drafts: i + 1, rate };
    });
    return best.drafts;
  }

  sawPlain(): void {
    this.#tokens++;
  }

  /** A round gave this many tokens in this time. */
  sawRound(tokens: number, ms: number): void {
    this.#tokens += tokens;
    this.#lossMs += ms - tokens * (this.#costs.plainMs ?? ms);
  }

  // What a round may lose in the worst case, where none of its drafts is right, is bounded by what the reply can bear.
  #allowedMs(plainMs: number): number {
    return ALLOWED_LOSS * Math.max(this.#tokens, ASSUMED_TOKENS) * plainMs;
  }
}
