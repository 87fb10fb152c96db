import type { Gpu } from "../gpu/device";
import { MAX_TREE_ROWS } from "../kernels/batch";
import type { Choices } from "../kernels/policy";
import { NO_TOKEN, type SamplingParams } from "../kernels/sample";
import type { ModelShape } from "../models/family";
import { parseModel } from "../models/registry";
import type { WeightPrecision } from "../models/weights";
import { EngineError } from "../protocol/errors";
import type { EndReason } from "../protocol/messages";
import { MAX_BLOCK } from "../quantize/hadamard";
import { inPrompt } from "../speculate/filters";
import type { Checkpoint } from "../weights/source";
import { Caches } from "./caches";
import { type DrawnToken, decode, type GenerateRequest } from "./decode";
import type { Meter } from "./meter";
import { Pace, submitMsOf } from "./pace";
import { Runner } from "./runner";
import type { Tuning, TuningStore } from "./tuning";

const DEFAULT_CONTEXT = 4096;

export interface LoadEvent {
  readonly phase: "upload" | "compile";
  readonly done: number; // bytes; variants of shaders in the phase "compile"
  readonly total: number;
}

export interface EngineOptions {
  readonly precision?: WeightPrecision; // default: what a package holds, else W8A8
  readonly contextLength?: number; // positions; default: what the model was made for, at most 4,096
  readonly maxRows?: number; // tokens a pass
  readonly maxHeadRows?: number; // logits a pass; default: as many as speculation verifies at once
  readonly candidates?: number; // drawn a row; with more than one the engine can draft for a larger model; default 1
  readonly liveTokens?: number; // ids from here on are never drawn, and have no logits; default: the whole vocabulary
  /** Where the variants that are fastest here are kept; the first load measures them. Default: none, and the usual ones are taken. */
  readonly tunings?: TuningStore;
  readonly onProgress?: (event: LoadEvent) => void;
}

/** A model on the GPU with one sequence in its caches. One request runs at a time. */
export class Engine {
  readonly shape: ModelShape;
  readonly precision: WeightPrecision;
  readonly contextLength: number;
  readonly maxRows: number; // tokens a pass
  readonly tuning: Tuning;
  readonly exact: boolean; // whether a token's numbers have the same bits beside others; where not, nothing is speculated
  readonly submitMs: number; // that a submit may take, so that the screen does not stand still
  readonly loadMs: number;
  readonly #runner: Runner;
  readonly #caches: Caches;
  readonly #maxHeadRows: number;
  #busy = false;

  private constructor(
    runner: Runner,
    shape: ModelShape,
    settings: {
      precision: WeightPrecision;
      contextLength: number;
      maxRows: number;
      maxHeadRows: number;
      tuning: Tuning;
      exact: boolean;
      submitMs: number;
      loadMs: number;
    },
  ) {
    this.#runner = runner;
    this.shape = shape;
    this.precision = settings.precision;
    this.contextLength = settings.contextLength;
    this.tuning = settings.tuning;
    this.exact = settings.exact;
    this.submitMs = settings.submitMs;
    this.loadMs = settings.loadMs;
    this.maxRows = settings.maxRows;
    this.#caches = new Caches(runner, this.pace());
    this.#maxHeadRows = settings.maxHeadRows;
  }

  /** Throws EngineError: "model-…" for what the files lack, "out-of-memory", "shader-failed", "wrong-result" for a GPU at fault. */
  static async load(gpu: Gpu, checkpoint: Checkpoint, options: EngineOptions = {}): Promise<Engine> {
    const start = performance.now();
    const model = parseModel(checkpoint.config);
    const precision = options.precision ?? checkpoint.packed?.precision ?? "w8a8";
    const held = checkpoint.packed?.precision ?? "full";
    if (held !== "full" && precision !== held) {
      throw new EngineError("bad-request", `This package holds ${held.toUpperCase()} weights; another precision needs the original model.`);
    }
    if (held !== "full" && checkpoint.packed?.rotation?.maxBlock !== MAX_BLOCK) {
      throw new EngineError("model-unsupported", "This package's weights are rotated in another way than this version of Gyre computes.");
    }
    const contextLength = options.contextLength ?? Math.min(model.shape.maxPositions, DEFAULT_CONTEXT);
    if (!Number.isSafeInteger(contextLength) || contextLength < 2 || contextLength > model.shape.maxPositions) {
      throw new EngineError("bad-request", `The context must be 2 to ${model.shape.maxPositions} tokens long for this model.`);
    }
    const maxRows = Math.min(options.maxRows ?? (gpu.software ? 64 : 256), contextLength);
    const maxHeadRows = Math.min(options.maxHeadRows ?? MAX_TREE_ROWS, maxRows);
    const { onProgress = () => {}, tunings = null } = options;
    const { vocabularySize: vocabulary } = model.shape;
    // A tokenizer may have more entries than the table has rows.
    const live = Math.min(options.liveTokens ?? Number.POSITIVE_INFINITY, vocabulary);
    // Fetched while a model is being read, not before the page can be used.
    const { loadTuned } = await import("./choose");
    const load = (choices: Choices) =>
      Runner.load(gpu, model, checkpoint, {
        precision,
        choices,
        // bf16 keys and values would do for chatting, but moved logits of the golden models by 3 to 8 thousandths of the largest one.
        cacheType: precision === "full" ? "f32" : "int8",
        context: contextLength,
        maxRows,
        maxHeadRows,
        ...(options.candidates !== undefined && { candidates: options.candidates }),
        live,
        onWeights: (done) => onProgress({ phase: "upload", done, total: checkpoint.bytes }),
        onCompiled: (done, total) => onProgress({ phase: "compile", done, total }),
      });
    const room = { contextLength, maxRows, maxHeadRows, vocabulary, live };
    const chosenBy = { precision, config: checkpoint.config, store: tunings };
    const { runner, tuning, exact } = await loadTuned(gpu, model, chosenBy, room, load);
    const settings = { precision, contextLength, maxRows, maxHeadRows, tuning, exact, submitMs: submitMsOf(gpu) };
    return new Engine(runner, model.shape, { ...settings, loadMs: performance.now() - start });
  }

  /** Bytes on the GPU. */
  get memory(): { readonly weightBytes: number; readonly cacheBytes: number; readonly scratchBytes: number } {
    const { weights, cache, scratch } = this.#runner.memory;
    return { weightBytes: weights, cacheBytes: cache, scratchBytes: scratch };
  }

  /** A pace for feeding prompts, as `generate` keeps one; with Infinity, one that goes by room alone. */
  pace(submitMs = this.submitMs): Pace {
    return new Pace({ most: this.maxRows, submitMs, costs: this.tuning.costs });
  }

  /** Measures this engine's passes. They overwrite the caches, so nothing may be generated meanwhile, and `reset` must follow. */
  async meter(): Promise<Meter> {
    const { Meter } = await import("./meter"); // chatting never needs it
    return new Meter(this.#runner, {
      contextLength: this.contextLength,
      maxRows: this.maxRows,
      maxHeadRows: this.#maxHeadRows,
      vocabulary: this.shape.vocabularySize,
    });
  }

  /** Forgets the sequence in the caches. */
  reset(): void {
    this.#caches.clear();
  }

  /**
   * Draws token after token behind the prompt, the ending one included. Of the prompt only what the caches do not hold is fed. With a
   * speculator the tokens are the same, only sooner; where the engine is not exact, nothing is drafted. Throws EngineError "context-full",
   * "bad-request", "busy".
   */
  async *generate(request: GenerateRequest, signal?: AbortSignal): AsyncGenerator<DrawnToken, EndReason, undefined> {
    const { tokens } = request;
    this.#expectTokens(tokens);
    const release = this.#acquire();
    try {
      this.#runner.configure(request.sampling, this.#promptCounts(tokens));
      const cached = this.#caches.rewind(tokens); // whoever listens
      request.onCached?.(cached);
      // Where this prompt goes on from the last one is where an edited or repeated request will want to return to.
      this.#caches.mark();
      if (!(await this.#caches.feed(tokens, signal))) return "aborted";
      const { sequence } = this.#caches;
      // A reply must not change by what is drafted beside it.
      const maxDrafts = this.exact ? this.#maxHeadRows - 1 : 0;
      return yield* decode({ runner: this.#runner, sequence, contextLength: this.contextLength, maxDrafts }, request, signal);
    } catch (error) {
      // What a failed pass left in the caches is not known.
      this.reset();
      throw error;
    } finally {
      release();
    }
  }

  /** From now on `draft` draws as these say, behind this prompt. */
  beginDrafts(prompt: readonly number[], sampling: SamplingParams): void {
    this.#runner.configure(sampling, this.#promptCounts(prompt));
  }

  /** Tokens of a text that `draft` would have to read before it draws. */
  unread(text: readonly number[]): number {
    return text.length - this.#caches.sequence.kept(text);
  }

  /**
   * What this model would draw behind `text`, `steps` tokens with one readback, each with the next best in its place, the best first. `fresh` is the
   * end of the text that no call has seen since `beginDrafts`. Throws EngineError "context-full", "bad-request", "busy".
   */
  async draft(text: readonly number[], fresh: readonly number[], steps: number): Promise<readonly (readonly number[])[]> {
    this.#expectTokens(text);
    const release = this.#acquire();
    try {
      this.#runner.count(fresh);
      const drawn = await this.#caches.chain(text, steps);
      const width = drawn.length / steps;
      return Array.from({ length: steps }, (_, i) => [...drawn.slice(i * width, (i + 1) * width)].filter((token) => token !== NO_TOKEN));
    } catch (error) {
      this.reset();
      throw error;
    } finally {
      release();
    }
  }

  /** Logits at every position of `tokens`, from an empty cache, `rows` tokens a pass: f32 [rows of the pass, vocabulary] each. */
  async *logits(tokens: readonly number[], rows = this.maxRows): AsyncGenerator<Float32Array<ArrayBuffer>, void, undefined> {
    this.#expectTokens(tokens);
    if (rows < 1 || rows > this.#maxHeadRows) {
      throw new EngineError("bad-request", `This engine was loaded for 1 to ${this.#maxHeadRows} rows of logits a pass, not ${rows}.`);
    }
    const release = this.#acquire();
    try {
      this.reset();
      for (let position = 0; position < tokens.length; position += rows) {
        const chunk = tokens.slice(position, position + rows);
        const pass = { rows: chunk.length, headRows: chunk.length, position, tokens: chunk };
        const logits = await this.#runner.logits(pass, this.shape.vocabularySize);
        this.#caches.sequence.push(chunk);
        yield logits;
      }
    } catch (error) {
      this.reset();
      throw error;
    } finally {
      release();
    }
  }

  dispose(): void {
    this.#runner.dispose();
  }

  #promptCounts(tokens: readonly number[]): Uint32Array<ArrayBuffer> {
    const counts = new Uint32Array(this.shape.vocabularySize);
    for (const token of tokens) counts[token] = inPrompt;
    return counts;
  }

  #expectTokens(tokens: readonly number[]): void {
    if (tokens.length === 0) throw new EngineError("bad-request", "There is no token to begin with.");
    const wrong = tokens.find((token) => !Number.isInteger(token) || token < 0 || token >= this.shape.vocabularySize);
    if (wrong !== undefined) {
      throw new EngineError("bad-request", `The token ${wrong} is not in the vocabulary of ${this.shape.vocabularySize}.`);
    }
    if (tokens.length > this.contextLength) {
      throw new EngineError("context-full", `${tokens.length} tokens do not fit the context of ${this.contextLength}.`);
    }
  }

  #acquire(): () => void {
    if (this.#busy) throw new EngineError("busy", "The model is still writing another reply.");
    this.#busy = true;
    return () => {
      this.#busy = false;
    };
  }
}
