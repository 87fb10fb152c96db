// What a loaded model's passes cost on this device. No text is needed for it: neither kernels nor caches take a way that depends on their
// contents, so a pass at position 8,192 of an empty cache takes as long as one behind 8,192 tokens, and nothing has to be filled first.

import type { Profiler } from "../gpu/profile";
import { type Budget, type Timing, timeMedian } from "../gpu/timing";
import { EngineError } from "../protocol/errors";
import { feedChunk } from "./caches";
import type { Pace } from "./pace";
import type { Runner } from "./runner";

// In a sample: enough to be seen on a coarse clock, and few enough that the slowest device ends in time.
const PASSES = 4;

/** What one kernel does in a pass. */
export interface KernelShare {
  readonly kernel: string;
  readonly dispatches: number;
  readonly ms: number; // on the GPU; sum over its dispatches
  readonly bytes: number; // that it must at least read: weights once, and keys and values up to the pass's position
}

/** What a pass asks of the device. */
export interface PassLoad {
  readonly dispatches: number;
  readonly bytes: number; // as of KernelShare
}

/** What the engine was loaded with room for. */
export interface Room {
  readonly contextLength: number; // positions
  readonly maxRows: number; // a pass
  readonly maxHeadRows: number; // of these
  readonly vocabulary: number;
  readonly live: number; // ids from here on have no logits
}

export class Meter {
  readonly #runner: Runner;
  readonly #context: number;
  readonly #maxRows: number;
  readonly #maxHeadRows: number;
  readonly #vocabulary: number;

  constructor(runner: Runner, { contextLength, maxRows, maxHeadRows, vocabulary }: Omit<Room, "live">) {
    this.#runner = runner;
    this.#context = contextLength;
    this.#maxRows = maxRows;
    this.#maxHeadRows = maxHeadRows;
    this.#vocabulary = vocabulary;
    runner.configure(
      { temperature: 0.7, topK: 40, topP: 0.95, minP: 0, repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0, seed: 1n },
      new Uint32Array(vocabulary),
    );
  }

  /**
   * Milliseconds from an empty cache to the first token behind a prompt of `tokens`, in passes as long as `pace` allows, which learns from them;
   * `passes` are those of the last sample. Null where the context has no room.
   */
  async prefill(tokens: number, budget: Budget, pace: Pace): Promise<(Timing & { readonly passes: number }) | null> {
    if (tokens > this.#context) return null;
    const text = this.#tokens(tokens);
    let passes = 0;
    const timing = await timeMedian(async () => {
      let position = 0;
      for (passes = 1; tokens - position > pace.rows; passes++) {
        position += (await feedChunk(this.#runner, pace, text, position)).length;
      }
      const rest = text.slice(position);
      await this.#runner.draw({ rows: rest.length, headRows: 1, position, tokens: rest });
    }, budget);
    return { ...timing, passes };
  }

  /** Milliseconds a token of plain decoding behind `depth` tokens, or null where the context has no room. */
  async decode(depth: number, budget: Budget): Promise<Timing | null> {
    return this.#stream(1, depth, 2, budget, PASSES);
  }

  /**
   * Milliseconds a pass of `rows` rows that draws a token at each, as verification does, from its submit to its tokens on the host. Null where
   * the engine was loaded for fewer rows or the context has no room.
   */
  async verify(rows: number, depth: number, budget: Budget, passes = PASSES): Promise<Timing | null> {
    if (rows > Math.min(this.#maxRows, this.#maxHeadRows)) return null;
    return this.#stream(rows, depth, 1, budget, passes);
  }

  /** What one decoded token asks of the device at this depth. */
  load(depth: number): PassLoad {
    const dispatches = this.#runner.dispatches({ rows: 1, headRows: 1 });
    return { dispatches: dispatches.length, bytes: dispatches.reduce((sum, dispatch) => sum + this.#bytes(dispatch, depth), 0) };
  }

  /** GPU time by kernel of one decoded token, each kernel's median over `passes`; the one that takes longest first. */
  async kernels(depth: number, profiler: Profiler, passes: number): Promise<readonly KernelShare[]> {
    this.#expectRoom(depth + passes + 1);
    const dispatches = this.#runner.dispatches({ rows: 1, headRows: 1 });
    const runs: (readonly number[])[] = [];
    for (let i = 0; i <= passes; i++) {
      const times = await this.#runner.profile({ rows: 1, headRows: 1, position: depth + i, tokens: [i % this.#vocabulary] }, profiler);
      if (i > 0 || passes === 0) runs.push(times.map(({ ms }) => ms)); // the first pass warms up
    }
    const kernels = new Map<string, { dispatches: number; ms: number; bytes: number }>();
    for (const [i, dispatch] of dispatches.entries()) {
      const { name } = dispatch.dispatch.shader;
      const times = runs.map((run) => run[i] ?? 0).sort((a, b) => a - b);
      const sum = kernels.get(name) ?? { dispatches: 0, ms: 0, bytes: 0 };
      sum.dispatches++;
      sum.ms += times[Math.floor(times.length / 2)] ?? 0;
      sum.bytes += this.#bytes(dispatch, depth);
      kernels.set(name, sum);
    }
    return [...kernels].map(([kernel, sum]) => ({ kernel, ...sum })).sort((a, b) => b.ms - a.ms);
  }

  /** Decodes a few tokens behind `depth` tokens, and says how many. */
  async decodeSome(depth: number): Promise<number> {
    this.#expectRoom(depth + PASSES);
    await this.#passes(1, depth, 2, PASSES);
    return PASSES;
  }

  async #stream(rows: number, depth: number, ahead: 1 | 2, budget: Budget, passes: number): Promise<Timing | null> {
    if (depth + passes * rows > this.#context) return null;
    const { ms, fastest, samples } = await timeMedian(() => this.#passes(rows, depth, ahead, passes), budget);
    return { ms: ms / passes, fastest: fastest / passes, samples };
  }

  /** Passes at one depth and after it, `ahead` of them submitted before the first is read: 2 is how plain decoding runs, 1 how a round does. */
  async #passes(rows: number, depth: number, ahead: 1 | 2, passes: number): Promise<void> {
    const draw = (i: number) =>
      this.#runner.draw({ rows, headRows: rows, position: depth + i * rows, tokens: rows === 1 && i > 0 ? "sampled" : this.#tokens(rows) });
    let pending = draw(0);
    for (let i = 1; i < passes; i++) {
      if (ahead === 1) await pending;
      const next = draw(i);
      next.catch(() => {}); // heard where it is awaited; until then a failure of both must not go unhandled
      if (ahead === 2) await pending;
      pending = next;
    }
    await pending;
  }

  /** An embedding table is bound whole, and one row of it read; the head, which may be the same table, reads all. */
  #bytes({ dispatch, weightBytes, cacheBytes }: ReturnType<Runner["dispatches"]>[number], depth: number): number {
    if (dispatch.shader.name.startsWith("embed")) return 0;
    const isAttention = dispatch.shader.name.startsWith("attention");
    return weightBytes + (isAttention ? (cacheBytes * (depth + 1)) / this.#context : 0);
  }

  #tokens(rows: number): readonly number[] {
    return Array.from({ length: rows }, (_, i) => (i * 7) % this.#vocabulary);
  }

  #expectRoom(positions: number): void {
    if (positions <= this.#context) return;
    throw new EngineError("bad-request", `${positions} positions do not fit the context of ${this.#context}.`);
  }
}
