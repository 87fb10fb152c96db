// How many tokens of a prompt go into a pass. A GPU also draws the screen, and does so between submits: a long one freezes the page, and one
// of seconds makes the system reset the device. Results do not depend on it, since a row's numbers never depend on the rows beside it.
import type { RowCost } from "../speculate/costs";

export interface PaceOptions {
  readonly most: number; // rows that a pass has room for
  readonly targetMs?: number; // of a pass; Infinity where nobody waits for the device but us
  readonly costs?: readonly RowCost[]; // what the tuner measured, in ascending row count
}

const TARGET_MS = 60; // of the 100 after which a screen is seen to stand still: what follows may take longer than what was measured
const FIRST = 16; // rows at most, until a pass was seen
const LEAST = 4; // fewer gain nothing: the weights are read for each pass
const GROWTH = 2; // from one pass to the next: a first pass warms up, and what it took says little

export class Pace {
  readonly #most: number;
  readonly #targetMs: number;
  #rows: number;

  constructor({ most, targetMs = TARGET_MS, costs = [] }: PaceOptions) {
    this.#most = most;
    this.#targetMs = targetMs;
    const isSlow = costs.some(({ rows, ms }) => rows <= FIRST && ms > targetMs);
    const short = costs.findLast(({ rows, ms }) => rows <= FIRST && ms <= targetMs)?.rows ?? LEAST;
    this.#rows = Number.isFinite(targetMs) ? Math.min(isSlow ? Math.max(LEAST, short) : FIRST, most) : most;
  }

  /** Rows of the next pass, at most. */
  get rows(): number {
    return this.#rows;
  }

  /** A pass of `rows` rows took `ms`, from its submit until the GPU was done. */
  passed(rows: number, ms: number): void {
    // One that was shorter than allowed, and fast, says nothing of a whole one.
    if (!Number.isFinite(this.#targetMs) || (rows < this.#rows && ms < this.#targetMs)) return;
    const wanted = Math.min(rows * (this.#targetMs / Math.max(ms, 0.01)), rows * GROWTH);
    // Whole tiles of the products of many rows, where there is more than one.
    const whole = wanted > FIRST ? Math.floor(wanted / FIRST) * FIRST : Math.floor(wanted);
    this.#rows = Math.min(this.#most, Math.max(LEAST, whole));
  }
}
