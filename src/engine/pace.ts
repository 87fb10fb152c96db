// How much is submitted to the GPU at once. It also draws the screen, and does so between submits: a long one freezes the page, and one of
// seconds makes the system reset the device. Results do not depend on it, since a row's numbers never depend on the rows beside it.
import type { Gpu } from "../gpu/device";
import { Costs, type RowCost } from "../speculate/costs";

const SUBMIT_MS = 100; // a submit's longest: after that a screen is seen to stand still
const AIM = 0.6; // of that, for a prompt's passes: each may be larger than those that were seen, and take longer than they promised

/** Milliseconds that a submit may take on this device. In software nobody's screen waits, and small passes would only be slower. */
export function submitMsOf({ software }: Pick<Gpu, "software">): number {
  return software ? Number.POSITIVE_INFINITY : SUBMIT_MS;
}

export interface PaceOptions {
  readonly most: number; // rows that a pass has room for
  readonly submitMs?: number; // that a submit may take; Infinity where nobody waits for the device but us
  readonly costs?: readonly RowCost[]; // what the tuner measured, in ascending row count
}

const FIRST = 16; // rows at most, until a pass was seen
const LEAST = 4; // fewer gain nothing, where as many fit: the weights are read for each pass
const GROWTH = 2; // from one pass to the next: a first pass warms up, and what it took says little

export class Pace {
  readonly #most: number;
  readonly #least: number;
  readonly #submitMs: number;
  readonly #targetMs: number;
  #rows: number;
  #stepMs: number | null; // a single-row pass of a chain; null until measured or seen

  constructor({ most, submitMs = SUBMIT_MS, costs = [] }: PaceOptions) {
    this.#most = most;
    this.#submitMs = submitMs;
    this.#targetMs = AIM * submitMs;
    const known = new Costs(costs);
    /** The most rows of these whose pass is expected to take no longer, or one. */
    const fitting = (rows: number, ms: number): number => (rows > 1 && known.roundMs(rows) > ms ? fitting(rows - 1, ms) : rows);
    this.#least = known.roundMs(1) > submitMs ? LEAST : fitting(LEAST, submitMs);
    this.#rows = Number.isFinite(submitMs) ? Math.min(Math.max(this.#least, fitting(FIRST, this.#targetMs)), most) : most;
    this.#stepMs = known.plainMs;
  }

  /** Rows of the next pass, at most. */
  get rows(): number {
    return this.#rows;
  }

  /** Rows that a submit of several passes has in all, at most, where most of them have one; a single one until it was seen what that takes. */
  get chainRows(): number {
    if (!Number.isFinite(this.#submitMs)) return this.#submitMs;
    return this.#stepMs === null ? 1 : Math.max(1, Math.floor(this.#submitMs / this.#stepMs));
  }

  /** A pass of `rows` rows took `ms`, from its submit until the GPU was done. */
  passed(rows: number, ms: number): void {
    // One that was shorter than allowed, and fast, says nothing of a whole one.
    if (!Number.isFinite(this.#targetMs) || (rows < this.#rows && ms < this.#targetMs)) return;
    const wanted = Math.min(rows * (this.#targetMs / Math.max(ms, 0.01)), rows * GROWTH);
    // Whole tiles of the products of many rows, where there is more than one.
    const whole = wanted > FIRST ? Math.floor(wanted / FIRST) * FIRST : Math.floor(wanted);
    this.#rows = Math.min(this.#most, Math.max(this.#least, whole));
  }

  /** A chain of so many passes took `ms`, until the host had what they drew. */
  chained(passes: number, ms: number): void {
    this.#stepMs = ms / passes;
  }
}

/** Passes in their order as submits of at most so many rows each, or of a single pass that has more. */
export function submitsOf<P extends { readonly rows: number }>(passes: readonly P[], rows: number): readonly (readonly P[])[] {
  const submits: P[][] = [];
  let room = 0;
  for (const pass of passes) {
    room -= pass.rows;
    if (room < 0) {
      submits.push([]);
      room = rows - pass.rows;
    }
    submits.at(-1)?.push(pass);
  }
  return submits;
}
