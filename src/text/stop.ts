// Finds stop strings in text that comes in pieces; one may begin in one piece and end in another.

export interface StopStep {
  readonly text: string; // certain now
  readonly stopped: boolean; // a stop string was completed; `text` ends before it, and nothing more will come
}

/** The text is cut before the stop string that is complete first, whatever the pieces are; of two that end together, before the longer. */
export class StopMatcher {
  readonly #stops: readonly string[];
  #held = ""; // may be the beginning of a stop string
  #stopped = false;

  /** Empty stop strings are ignored. */
  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== "");
  }

  push(piece: string): StopStep {
    if (this.#stopped) return { text: "", stopped: true };
    const text = this.#held + piece;
    let cut = { start: -1, end: Number.POSITIVE_INFINITY };
    for (const stop of this.#stops) {
      const start = text.indexOf(stop);
      const end = start + stop.length;
      if (start >= 0 && (end < cut.end || (end === cut.end && start < cut.start))) cut = { start, end };
    }
    if (cut.start >= 0) {
      this.#stopped = true;
      this.#held = "";
      return { text: text.slice(0, cut.start), stopped: true };
    }
    const held = this.#possibleStart(text);
    this.#held = text.slice(text.length - held);
    return { text: text.slice(0, text.length - held), stopped: false };
  }

  /** What was held back, at the end of the text. */
  flush(): string {
    const rest = this.#held;
    this.#held = "";
    return rest;
  }

  /** Characters at the end of the text that a stop string may begin with. */
  #possibleStart(text: string): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length -= 1) {
        if (text.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}
