// Forward passes on the GPU: what changes from pass to pass is written, the plan is recorded and submitted.
import { type Bound, Memory } from "../gpu/buffers";
import { type Gpu, inErrorScopes } from "../gpu/device";
import { workDone } from "../gpu/nudge";
import type { Dispatch, PassShape } from "../gpu/plan";
import type { KernelTime, Profiler } from "../gpu/profile";
import { spread } from "../gpu/spread";
import { BATCH_WORDS, type BatchPass, batchWords, historyEntries } from "../kernels/batch";
import { type SamplingParams, thresholdsOf, writeSampling } from "../kernels/sample";
import type { Model } from "../models/family";
import { EngineError } from "../protocol/errors";
import type { Checkpoint } from "../weights/source";
import { submitsOf } from "./pace";
import { Readback } from "./readback";
import { loadParts, MOST_STEPS, type Parts, type RunnerOptions } from "./runner_parts";

const BATCH_BYTES = BATCH_WORDS * 4;

/** A pass over `rows` tokens that stand at `position` and after it; behind a tree pass, one that says which of its rows were kept. */
export interface Pass extends BatchPass {
  readonly tokens: readonly number[] | "sampled"; // "sampled": the one that the previous pass drew, wherever it is by now
  readonly isSpread?: boolean; // over many submits; see gpu/spread
}

export class Runner {
  readonly #parts: Parts;
  readonly #drawn: Readback;
  readonly #context: number;
  readonly #candidates: number; // drawn a row
  #profiler: Profiler | null = null; // while a pass is being profiled
  #stateSlot = 0; // the one that holds the current recurrent states
  #tree: number | null = null; // position of the root of a tree pass, until it is said which of its rows are kept
  #thresholds = 0; // that draws look for
  #counts = new Uint32Array(); // what the GPU counts, for the tokens that the host has read

  private constructor(parts: Parts, { context, maxHeadRows, candidates = 1 }: RunnerOptions) {
    this.#parts = parts;
    this.#context = context;
    this.#candidates = candidates;
    const rows = parts.chain ? Math.max(maxHeadRows, MOST_STEPS) : maxHeadRows;
    this.#drawn = new Readback(parts.gpu, parts.memory, "sampled tokens", rows * candidates * 4);
  }

  /** Loads weights, allocates every buffer, and compiles every pipeline. Frees what it made if anything fails. */
  static async load(gpu: Gpu, model: Model, checkpoint: Checkpoint, options: RunnerOptions): Promise<Runner> {
    const { device } = gpu;
    const memory = new Memory(device);
    try {
      return await inErrorScopes(device, async () => new Runner(await loadParts(gpu, memory, model, checkpoint, options), options));
    } catch (error) {
      memory.dispose();
      throw error;
    }
  }

  get memory(): Readonly<Record<"weights" | "cache" | "scratch", number>> {
    return this.#parts.memory.bytes;
  }

  /** Sets how tokens are drawn from now on, and what stands before the reply. */
  configure(params: SamplingParams, counts: Uint32Array<ArrayBuffer>): void {
    const { queue } = this.#parts.gpu.device;
    queue.writeBuffer(this.#parts.sampling, 0, writeSampling(params));
    this.#thresholds = thresholdsOf(params);
    queue.writeBuffer(this.#parts.counts, 0, counts);
    this.#counts = counts.slice();
  }

  /** Counts tokens of the reply that no plain draw has counted: those kept of a tree, and the one drawn behind them. */
  count(tokens: readonly number[]): void {
    for (const token of tokens) {
      this.#counts[token] = (this.#counts[token] ?? 0) + 1;
      this.#parts.gpu.device.queue.writeBuffer(this.#parts.counts, token * 4, this.#counts, token, 1);
    }
  }

  /** Runs a pass and draws nothing; caches and states move on. */
  feed(pass: Pass): void {
    this.#submit(pass, false, () => {});
  }

  /** Runs a pass and draws a token for each head row. The next pass may be submitted before the promise settles. */
  async draw(pass: Pass): Promise<Uint32Array> {
    const { sampled, tokens } = this.#parts;
    const bytes = pass.headRows * this.#candidates * 4;
    const candidates = await this.#drawn.take(bytes, (target) => {
      this.#submit(pass, true, (encoder) => {
        encoder.copyBufferToBuffer(sampled, 0, target, 0, bytes);
        // Where the next pass may look for the token that this one drew.
        if (pass.headRows === 1) encoder.copyBufferToBuffer(sampled, 0, tokens, 0, 4);
      });
    });
    const drawn = candidates.filter((_, i) => i % this.#candidates === 0);
    const [token = 0] = drawn;
    if (pass.headRows === 1 && !pass.tree) this.#counts[token] = (this.#counts[token] ?? 0) + 1;
    return drawn;
  }

  /**
   * Runs a pass, draws, runs another one over the token that was drawn, and so on: what it would write next. One readback, and one submit where
   * all have no more than `submitRows` rows. The recurrent states behind the first pass are copied to `mark`, as copyStates does. What is drawn
   * counts for the penalties of the draws behind it and is then forgotten, but not by the caches. [steps, candidates], the best first.
   */
  async chain(
    pass: Pass,
    steps: number,
    mark: { readonly storage: GPUBuffer; readonly index: number } | null,
    submitRows: number,
  ): Promise<Uint32Array> {
    const { gpu, batch, chain, tokens, counts, sampled, forward, draw } = this.#parts;
    const { queue } = gpu.device;
    if (!chain || steps < 1 || steps > MOST_STEPS) throw new EngineError("internal", `This runner takes no chain of ${steps} passes.`);
    this.#expectNext({ ...pass, rows: pass.rows + steps - 1 });
    const next = (step: number) => ({ rows: 1, headRows: 1, position: pass.position + pass.rows + step - 1 });
    const passes: readonly BatchPass[] = Array.from({ length: steps }, (_, step) => (step === 0 ? pass : next(step)));
    passes.forEach((one, step) => {
      queue.writeBuffer(chain, step * BATCH_BYTES, batchWords(one, (this.#stateSlot + step) % 2));
    });
    if (pass.tokens !== "sampled") queue.writeBuffer(tokens, 0, Uint32Array.from(pass.tokens));
    const bytes = this.#candidates * 4;
    const drawn = await this.#drawn.take(steps * bytes, (target) => {
      let step = 0;
      for (const some of submitsOf(passes, submitRows)) {
        this.#encode((encoder) => {
          for (const one of some) {
            encoder.copyBufferToBuffer(chain, step * BATCH_BYTES, batch, 0, BATCH_BYTES);
            const compute = encoder.beginComputePass();
            forward.record(compute, one);
            draw.record(compute, { ...one, thresholds: this.#thresholds });
            compute.end();
            this.#stateSlot = 1 - this.#stateSlot;
            if (step === 0 && mark) this.#recordStates(encoder, "save", mark.storage, mark.index);
            encoder.copyBufferToBuffer(sampled, 0, tokens, 0, 4);
            encoder.copyBufferToBuffer(sampled, 0, target, step * bytes, bytes);
            step++;
          }
        });
      }
      gpu.check();
    });
    for (let step = 0; step < steps; step++) {
      const token = drawn[step * this.#candidates] ?? 0;
      queue.writeBuffer(counts, token * 4, this.#counts, token, 1);
    }
    return drawn;
  }

  /** Runs a pass and reads its logits, f32 [head rows, vocabulary]. For tools; chatting reads token ids only. */
  async logits(pass: Pass, vocabulary: number): Promise<Float32Array<ArrayBuffer>> {
    const { gpu, memory, logits } = this.#parts;
    const bytes = pass.headRows * vocabulary * 4;
    const readback = new Readback(gpu, memory, "logits", bytes);
    try {
      const words = await readback.take(bytes, (target) => {
        this.#submit(pass, false, (encoder) => encoder.copyBufferToBuffer(logits, 0, target, 0, bytes));
      });
      return new Float32Array(words.buffer);
    } finally {
      readback.release();
    }
  }

  /** Draws like `draw`, and tells how long the GPU took for each dispatch, in the order of `dispatches`. For measuring only. */
  async profile(pass: Pass, profiler: Profiler): Promise<readonly KernelTime[]> {
    this.#profiler = profiler;
    try {
      await this.draw(pass);
    } finally {
      this.#profiler = null;
    }
    return profiler.read();
  }

  /** What a pass that draws dispatches, and the bytes of weights and of caches that each dispatch is bound to. */
  dispatches(shape: PassShape): readonly (Bound & { readonly dispatch: Dispatch })[] {
    const { memory, forward, draw } = this.#parts;
    return [...forward.dispatches(shape), ...draw.dispatches({ thresholds: this.#thresholds, ...shape })].map((dispatch) => ({
      dispatch,
      ...memory.bound(dispatch.bindings),
    }));
  }

  /** Keeps these rows of the last pass, a tree, where no pass follows that would: caches and states are then as plain decoding leaves them. */
  keep(accepted: readonly number[]): void {
    const { gpu, batch, commit, states, keptStates } = this.#parts;
    const shape = { rows: 0, headRows: 0 };
    const pass = { ...shape, position: (this.#tree ?? 0) + accepted.length, accepted };
    this.#expectNext(pass);
    gpu.device.queue.writeBuffer(batch, 0, batchWords(pass, this.#stateSlot));
    this.#encode((encoder) => {
      if (isScattered(accepted)) {
        const compute = encoder.beginComputePass();
        commit.record(compute, shape);
        compute.end();
      }
      let offset = 0;
      for (const { buffer, slotBytes, entryBytes, historyBytes } of states) {
        const slot = this.#stateSlot * slotBytes;
        for (const entry of historyEntries(historyBytes / entryBytes, accepted)) {
          encoder.copyBufferToBuffer(buffer, slot + entry * entryBytes, keptStates, offset, entryBytes);
          offset += entryBytes;
        }
      }
    });
    this.copyStates("restore", keptStates, 0);
  }

  /** Waits until the GPU has done all that was submitted. */
  async settle(): Promise<void> {
    await workDone(this.#parts.gpu.device);
  }

  /** Bytes of all recurrent states, as `copyStates` lays them out. */
  get stateBytes(): number {
    return this.#parts.states.reduce((sum, { historyBytes }) => sum + historyBytes, 0);
  }

  /** A buffer for copies of the recurrent states. */
  stateStorage(copies: number): GPUBuffer {
    return this.#parts.memory.storage("state copies", "cache", Math.max(1, copies * this.stateBytes));
  }

  /**
   * Copies the current recurrent states to, or back from, the `index`-th place of a buffer from stateStorage. Going back drops a tree of which
   * nothing was kept yet.
   */
  copyStates(direction: "save" | "restore", storage: GPUBuffer, index: number): void {
    if (direction === "save" && this.#tree !== null)
      throw new EngineError("internal", "A tree's states cannot be saved before they are kept.");
    this.#encode((encoder) => this.#recordStates(encoder, direction, storage, index));
    if (direction === "restore") this.#tree = null;
  }

  /** Makes the recurrent states what they are before the first token. */
  clearStates(): void {
    this.#encode((encoder) => {
      for (const { buffer } of this.#parts.states) encoder.clearBuffer(buffer);
    });
    this.#tree = null;
  }

  dispose(): void {
    this.#parts.memory.dispose();
  }

  #submit(pass: Pass, draw: boolean, after: (encoder: GPUCommandEncoder) => void): void {
    const { gpu, batch, tokens, forward, commit, draw: drawPlan } = this.#parts;
    const { queue } = gpu.device;
    this.#expectNext(pass);
    queue.writeBuffer(batch, 0, batchWords(pass, this.#stateSlot));
    if (pass.tokens !== "sampled") queue.writeBuffer(tokens, 0, Uint32Array.from(pass.tokens));
    this.#encode((encoder) => {
      const compute = this.#profiler?.begin(encoder) ?? (pass.isSpread ? spread(gpu.device) : encoder.beginComputePass());
      if (isScattered(pass.accepted ?? [])) commit.record(compute, pass);
      forward.record(compute, pass);
      if (draw) drawPlan.record(compute, { ...pass, thresholds: this.#thresholds });
      compute.end();
      after(encoder);
    });
    this.#stateSlot = 1 - this.#stateSlot;
    this.#tree = pass.tree ? pass.position : null;
    gpu.check();
  }

  #recordStates(encoder: GPUCommandEncoder, direction: "save" | "restore", storage: GPUBuffer, index: number): void {
    let offset = index * this.stateBytes;
    for (const { buffer, slotBytes, historyBytes } of this.#parts.states) {
      const current = this.#stateSlot * slotBytes;
      if (direction === "save") encoder.copyBufferToBuffer(buffer, current, storage, offset, historyBytes);
      else encoder.copyBufferToBuffer(storage, offset, buffer, current, historyBytes);
      offset += historyBytes;
    }
  }

  /** Throws where a pass would write behind the context, or where it and the last one do not agree on what is kept of a tree. */
  #expectNext({ position, rows, accepted = [] }: BatchPass): void {
    const follows = this.#tree === null ? accepted.length === 0 : accepted.length > 0 && position === this.#tree + accepted.length;
    if (follows && position + rows <= this.#context) return;
    const detail = `${rows} rows at ${position} of ${this.#context}, behind ${accepted.length} rows of the tree at ${this.#tree}`;
    throw new EngineError("internal", "A pass does not follow the one before it.", detail);
  }

  #encode(record: (encoder: GPUCommandEncoder) => void): void {
    const { device } = this.#parts.gpu;
    const encoder = device.createCommandEncoder();
    record(encoder);
    device.queue.submit([encoder.finish()]);
  }
}

/** Whether a tree's kept rows lie elsewhere than where their positions are. */
function isScattered(accepted: readonly number[]): boolean {
  return accepted.some((row, depth) => row !== depth);
}
