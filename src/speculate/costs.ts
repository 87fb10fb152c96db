/** A pass of so many rows, each of which draws a token. */
export interface RowCost {
  readonly rows: number;
  readonly ms: number; // from its submit to its tokens on the host; of one row, in a run of plain decoding, where the GPU never waits
}

const NEWEST = 0.25; // weight of the newest observation
// Of what rounds took more than they once did, for each plain token: what slowed them may be over. Where a measurement was false from the
// beginning, it draws them back to it, and a probe loses now and then what the controller lets a reply lose.
const FADING = 0.01;
const SLOPE = 0.15; // of a plain token's time, for each further row, until something is known: what a good kernel takes

interface Known {
  ms: number;
  least: number; // that it ever was
}

/** What passes cost on this device: measured beforehand where that was done, and learnt from every pass of a reply. */
export class Costs {
  readonly #rounds = new Map<number, Known>(); // by rows
  readonly #doubted = new Set<number>(); // rows whose first pass took longer than one could think
  #plainMs: number | null = null;

  constructor(measured: readonly RowCost[] = []) {
    for (const { rows, ms } of measured) if (rows > 1) this.#rounds.set(rows, { ms, least: ms });
    this.#plainMs = measured.find(({ rows }) => rows === 1)?.ms ?? null;
  }

  /** Of a token of plain decoding; null until one was seen. */
  get plainMs(): number | null {
    return this.#plainMs;
  }

  sawPlain(ms: number): void {
    this.#plainMs = this.#plainMs === null ? ms : blend(this.#plainMs, ms);
    for (const known of this.#rounds.values()) known.ms -= FADING * (known.ms - known.least);
  }

  sawRound(rows: number, ms: number): void {
    const known = this.#rounds.get(rows);
    if (!known && this.#isDoubted(rows, ms)) return;
    const now = known ? blend(known.ms, ms) : ms;
    this.#rounds.set(rows, { ms: now, least: Math.min(now, known?.least ?? now) });
  }

  /** Of a pass that verifies this many rows: a line through what is known of fewer and of more rows. */
  roundMs(rows: number): number {
    const plain = this.#plainMs ?? 1;
    const known = this.#known();
    let below: readonly [rows: number, ms: number] = [1, plain];
    for (const [n, ms] of known) {
      if (n >= rows) return below[1] + ((ms - below[1]) * (rows - below[0])) / (n - below[0]);
      below = [n, ms];
    }
    const slope = below[0] > 1 ? Math.max(0, (below[1] - plain) / (below[0] - 1)) : SLOPE * plain;
    return below[1] + slope * (rows - below[0]);
  }

  /** A pass of more rows than these is a leap: nothing of that size was ever seen. */
  get mostRows(): number {
    return 2 * (this.#known().at(-1)?.[0] ?? 1);
  }

  /** Whether a first pass of so many rows rather met a pause; a second time it is believed. */
  #isDoubted(rows: number, ms: number): boolean {
    if (this.#plainMs === null || this.#doubted.has(rows) || ms === withoutPause(ms, this.roundMs(rows))) return false;
    this.#doubted.add(rows);
    return true;
  }

  #known(): (readonly [rows: number, ms: number])[] {
    return Array.from(this.#rounds, ([rows, { ms }]) => [rows, ms] as const).sort(([a], [b]) => a - b);
  }
}

/** What is believed of a time: one long pause, of a page in the background or a busy machine, is no cost of what was timed. */
export function withoutPause(ms: number, expectedMs: number): number {
  return Math.min(ms, 3 * expectedMs);
}

function blend(known: number, newest: number): number {
  return known + NEWEST * (withoutPause(newest, known) - known);
}
