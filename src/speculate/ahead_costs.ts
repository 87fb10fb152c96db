import { withoutPause } from "./costs";

const NEWEST = 0.25; // weight of the newest observation
const STEP = 1 / 8; // of a plain token's time, for a step of the smaller model, until one was seen: hopeful, or it would never be
const READ = 1 / 16; // of a step, for a token that is read with many others
const MANY = 32; // tokens to read, from which on their time is seen and not only guessed

/** What it takes to have a smaller model draft: a time for each step, and one for each token that it has to read before. */
export class AheadCosts {
  #stepMs: number | null;
  #readMs: number | null = null;

  /** `stepMs` is null where it was not measured beforehand. */
  constructor(stepMs: number | null) {
    this.#stepMs = stepMs;
  }

  /** Milliseconds for so many steps behind `backlog` tokens, where a token of plain decoding takes `plainMs`. */
  ms(steps: number, backlog: number, plainMs: number): number {
    const stepMs = this.#stepMs ?? STEP * plainMs;
    return steps * stepMs + backlog * (this.#readMs ?? READ * stepMs);
  }

  saw(steps: number, backlog: number, ms: number): void {
    if (backlog >= MANY) this.#readMs = blend(this.#readMs, Math.max(0, ms - steps * (this.#stepMs ?? 0)) / backlog);
    else this.#stepMs = blend(this.#stepMs, Math.max(0, ms - backlog * (this.#readMs ?? 0)) / steps);
  }
}

function blend(known: number | null, newest: number): number {
  return known === null ? newest : known + NEWEST * (withoutPause(newest, known) - known);
}
