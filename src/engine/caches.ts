// What a runner's caches hold, and how they come to hold a text: as much as they share with it is kept, the rest is fed.
import type { Pace } from "./pace";
import type { Runner } from "./runner";
import { Sequence } from "./sequence";

const STATE_COPIES = 8;

export class Caches {
  readonly sequence: Sequence;
  readonly #runner: Runner;
  readonly #pace: Pace;
  readonly #copies: GPUBuffer;

  constructor(runner: Runner, pace: Pace) {
    this.#runner = runner;
    this.#pace = pace;
    this.sequence = new Sequence(runner.stateBytes > 0 ? STATE_COPIES : null);
    this.#copies = runner.stateStorage(STATE_COPIES);
  }

  /** Forgets everything. */
  clear(): void {
    this.sequence.clear();
    this.#runner.clearStates();
  }

  /** Goes back to a prefix of the text, and says how long it is. At least one token is left to be fed. */
  rewind(text: readonly number[]): number {
    const { kept, restore } = this.sequence.reuse(text);
    if (restore === "clear") this.#runner.clearStates();
    else if (restore !== null) this.#runner.copyStates("restore", this.#copies, restore);
    return kept;
  }

  /** Copies the recurrent states here, so that going back to this place is possible. */
  mark(): void {
    const index = this.sequence.mark();
    if (index !== null) this.#runner.copyStates("save", this.#copies, index);
  }

  /** Feeds what is missing of the text, but for what one pass takes. Returns false where it was aborted. */
  async feed(text: readonly number[], signal?: AbortSignal): Promise<boolean> {
    while (text.length - this.sequence.length > this.#pace.rows) {
      if (signal?.aborted) return false;
      const at = this.sequence.length;
      const chunk = text.slice(at, at + this.#pace.rows);
      const start = performance.now();
      this.#runner.feed({ rows: chunk.length, headRows: 0, position: at, tokens: chunk });
      this.sequence.push(chunk);
      // Waiting between chunks lets an abort take effect, and keeps the queue short.
      await this.#runner.settle();
      this.#pace.passed(chunk.length, performance.now() - start);
    }
    return true;
  }

  /**
   * The next `steps` tokens behind the text, each with the next best in its place: [steps, candidates]. The caches then hold them too, so that
   * nothing has to be fed again as long as the text goes on by them.
   */
  async chain(text: readonly number[], steps: number): Promise<Uint32Array> {
    this.rewind(text);
    await this.feed(text);
    const position = this.sequence.length;
    const rest = text.slice(position);
    this.sequence.push(rest);
    const index = this.sequence.mark();
    const mark = index === null ? null : { storage: this.#copies, index };
    const start = performance.now();
    const drawn = await this.#runner.chain({ rows: rest.length, headRows: 1, position, tokens: rest }, steps, mark, this.#pace.chainRows);
    this.#pace.chained(steps, performance.now() - start);
    const width = drawn.length / steps;
    // The last one is drawn, but not fed.
    this.sequence.push([...drawn.filter((_, i) => i % width === 0)].slice(0, -1));
    return drawn;
  }
}
