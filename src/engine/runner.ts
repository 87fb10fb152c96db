// One forward pass on the GPU: what changes from pass to pass is written, the plan is recorded, everything is submitted once.
import { Memory, type Purpose } from "../gpu/buffers";
import { type Gpu, inErrorScopes } from "../gpu/device";
import { type Dispatch, type PassShape, Plan } from "../gpu/plan";
import type { KernelTime, Profiler } from "../gpu/profile";
import { sampleThreads } from "../kernels/policy";
import { SAMPLING_BYTES, type SamplingParams, sample, writeSampling } from "../kernels/sample";
import { BATCH_WORDS, type CacheType } from "../kernels/tensors";
import { Builder, type State } from "../models/builder";
import type { Model } from "../models/family";
import { WeightLoader, type WeightPrecision } from "../models/weights";
import type { Checkpoint } from "../weights/source";
import { Readback } from "./readback";

export interface RunnerOptions {
  readonly precision: WeightPrecision;
  readonly cacheType: CacheType;
  readonly context: number; // positions
  readonly maxRows: number;
  readonly maxHeadRows: number;
  readonly live: number; // tokens from here on are never drawn
  readonly onWeights: (bytes: number) => void; // read so far from the checkpoint
  readonly onCompiled: (done: number, total: number) => void;
}

/** A pass over `rows` tokens that stand at `position` and after it. */
export interface Pass extends PassShape {
  readonly position: number;
  readonly tokens: readonly number[] | "sampled"; // "sampled": the one that the previous pass drew, wherever it is by now
}

interface Parts {
  readonly gpu: Gpu;
  readonly memory: Memory;
  readonly batch: GPUBuffer;
  readonly sampling: GPUBuffer;
  readonly tokens: GPUBuffer;
  readonly counts: GPUBuffer;
  readonly sampled: GPUBuffer;
  readonly logits: GPUBuffer;
  readonly states: readonly State[];
  readonly forward: Plan;
  readonly draw: Plan;
}

export class Runner {
  readonly #parts: Parts;
  readonly #drawn: Readback;
  readonly #batchWords = new Uint32Array(BATCH_WORDS);
  #profiler: Profiler | null = null; // while a pass is being profiled
  #stateSlot = 0; // the one that holds the current recurrent states

  private constructor(parts: Parts, maxHeadRows: number) {
    this.#parts = parts;
    this.#drawn = new Readback(parts.gpu, parts.memory, "sampled tokens", maxHeadRows * 4);
  }

  /** Loads weights, allocates every buffer, and compiles every pipeline. Frees what it made if anything fails. */
  static async load(gpu: Gpu, model: Model, checkpoint: Checkpoint, options: RunnerOptions): Promise<Runner> {
    const { device } = gpu;
    const memory = new Memory(device);
    try {
      return await inErrorScopes(device, () => Runner.#load(gpu, memory, model, checkpoint, options));
    } catch (error) {
      memory.dispose();
      throw error;
    }
  }

  static async #load(gpu: Gpu, memory: Memory, model: Model, checkpoint: Checkpoint, options: RunnerOptions): Promise<Runner> {
    const { device, pipelines } = gpu;
    const batch = memory.uniform("batch", BATCH_WORDS * 4);
    const sampling = memory.uniform("sampling", SAMPLING_BYTES);
    const tokens = memory.storage("tokens", "scratch", options.maxRows * 4);
    const { vocabularySize: vocabulary } = model.shape;
    const counts = memory.storage("counts", "scratch", vocabulary * 4);
    const sampled = memory.storage("sampled", "scratch", options.maxHeadRows * 4);

    let bytes = 0;
    const settle = () => device.queue.onSubmittedWorkDone();
    const weights = new WeightLoader(checkpoint, memory, options.precision, settle, (more) => {
      bytes += more;
      options.onWeights(bytes);
    });
    const builder = new Builder({ ...options, memory, device: gpu, batch, tokens });
    const { values: logits } = await model.build(builder, weights);
    await settle();

    const threads = sampleThreads(gpu);
    const drawStep = sample("sample", { batch, sampling, logits, vocabulary, live: options.live, counts, sampled, threads });
    const [draw, forward] = await Promise.all([
      Plan.compile(device, pipelines, [[drawStep]]),
      Plan.compile(device, pipelines, builder.steps, options.onCompiled),
    ]);
    const { states } = builder;
    return new Runner({ gpu, memory, batch, sampling, tokens, counts, sampled, logits, states, forward, draw }, options.maxHeadRows);
  }

  get memory(): Readonly<Record<"weights" | "cache" | "scratch", number>> {
    return this.#parts.memory.bytes;
  }

  /** Sets how tokens are drawn from now on, and what stands before the reply. */
  configure(params: SamplingParams, counts: Uint32Array<ArrayBuffer>): void {
    const { queue } = this.#parts.gpu.device;
    queue.writeBuffer(this.#parts.sampling, 0, writeSampling(params));
    queue.writeBuffer(this.#parts.counts, 0, counts);
  }

  /** Runs a pass and draws nothing; caches and states move on. */
  feed(pass: Pass): void {
    this.#submit(pass, false, () => {});
  }

  /** Runs a pass and draws a token for each head row. The next pass may be submitted before the promise settles. */
  draw(pass: Pass): Promise<Uint32Array> {
    const { sampled, tokens } = this.#parts;
    return this.#drawn.take(pass.headRows * 4, (target) => {
      this.#submit(pass, true, (encoder) => {
        encoder.copyBufferToBuffer(sampled, 0, target, 0, pass.headRows * 4);
        // Where the next pass may look for the token that this one drew.
        if (pass.headRows === 1) encoder.copyBufferToBuffer(sampled, 0, tokens, 0, 4);
      });
    });
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

  /** What a pass that draws dispatches, with the bytes of weights and of caches that each dispatch is bound to. */
  dispatches(shape: PassShape): readonly { readonly dispatch: Dispatch; readonly weightBytes: number; readonly cacheBytes: number }[] {
    const { memory, forward, draw } = this.#parts;
    return [...forward.dispatches(shape), ...draw.dispatches(shape)].map((dispatch) => {
      const bound = new Set(Object.values(dispatch.bindings));
      const bytes = (purpose: Purpose) =>
        [...bound].reduce((sum, buffer) => sum + (memory.purposeOf(buffer) === purpose ? buffer.size : 0), 0);
      return { dispatch, weightBytes: bytes("weights"), cacheBytes: bytes("cache") };
    });
  }

  /** Waits until the GPU has done all that was submitted. */
  async settle(): Promise<void> {
    await this.#parts.gpu.device.queue.onSubmittedWorkDone();
  }

  /** Bytes of all recurrent states, as `copyStates` lays them out. */
  get stateBytes(): number {
    return this.#parts.states.reduce((sum, { slotBytes }) => sum + slotBytes, 0);
  }

  /** A buffer for copies of the recurrent states. */
  stateStorage(copies: number): GPUBuffer {
    return this.#parts.memory.storage("state copies", "cache", Math.max(1, copies * this.stateBytes));
  }

  /** Copies the current recurrent states to, or back from, the `index`-th place of a buffer from stateStorage. */
  copyStates(direction: "save" | "restore", storage: GPUBuffer, index: number): void {
    this.#encode((encoder) => {
      let offset = index * this.stateBytes;
      for (const { buffer, slotBytes } of this.#parts.states) {
        const current = this.#stateSlot * slotBytes;
        if (direction === "save") encoder.copyBufferToBuffer(buffer, current, storage, offset, slotBytes);
        else encoder.copyBufferToBuffer(storage, offset, buffer, current, slotBytes);
        offset += slotBytes;
      }
    });
  }

  /** Makes the recurrent states what they are before the first token. */
  clearStates(): void {
    this.#encode((encoder) => {
      for (const { buffer } of this.#parts.states) encoder.clearBuffer(buffer);
    });
  }

  dispose(): void {
    this.#parts.memory.dispose();
  }

  #submit(pass: Pass, draw: boolean, after: (encoder: GPUCommandEncoder) => void): void {
    const { gpu, batch, tokens, forward, draw: drawPlan } = this.#parts;
    const { queue } = gpu.device;
    this.#batchWords.set([pass.rows, pass.position, pass.headRows, this.#stateSlot]);
    queue.writeBuffer(batch, 0, this.#batchWords);
    if (pass.tokens !== "sampled") queue.writeBuffer(tokens, 0, Uint32Array.from(pass.tokens));
    this.#encode((encoder) => {
      const compute = this.#profiler?.begin(encoder) ?? encoder.beginComputePass();
      forward.record(compute, pass);
      if (draw) drawPlan.record(compute, pass);
      compute.end();
      after(encoder);
    });
    this.#stateSlot = 1 - this.#stateSlot;
    gpu.check();
  }

  #encode(record: (encoder: GPUCommandEncoder) => void): void {
    const { device } = this.#parts.gpu;
    const encoder = device.createCommandEncoder();
    record(encoder);
    device.queue.submit([encoder.finish()]);
  }
}
