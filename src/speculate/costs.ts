/** A pass of so many rows, each of which draws a token. */
export interface RowCost {
  readonly rows: number;
  readonly ms: number; // from its submit to its tokens on the host
}

const NEWEST = 0.25; // weight of the newest observation
const SLOPE = 0.15; // of a plain token's time, for each further row, until something is known: what a good kernel takes

/** What passes cost on this device: measured beforehand where that was done, and learnt from every pass of a reply. */
export class Costs {
  readonly #ms = new Map<number, number>(); // by rows
  #plainMs: number | null = null;

  constructor(measured: readonly RowCost[] = []) {
    for (const { rows, ms } of measured) this.#ms.set(rows, ms);
    this.#plainMs = this.#ms.get(1) ?? null;
  }

  /** Of a token of plain decoding; null until one was seen. */
  get plainMs(): number | null {
    return this.#plainMs;
  }

  sawPlain(ms: number): void {
    this.#plainMs = this.#plainMs === null ? ms : blend(this.#plainMs, ms);
  }

  sawRound(rows: number, ms: number): void {
    const known = this.#ms.get(rows);
    this.#ms.set(rows, known === undefined ? ms : blend(known, ms));
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

  #known(): (readonly [rows: number, ms: number])[] {
    return [...this.#ms].filter(([rows]) => rows > 1).sort(([a], [b]) => a - b);
  }
}

function blend(known: number, newest: number): number {
  // One long pause, of a page in the background or a busy machine, is no cost of a pass.
  return known + NEWEST * (Math.min(newest, known * 3) - known);
}
