// A model that tests run pass by pass, and what they hold its passes to: plain decoding, bit for bit.
import { expect } from "vitest";
import { type Pass, Runner } from "../../src/engine/runner";
import type { Gpu } from "../../src/gpu/device";
import { type Tree, treePaths } from "../../src/kernels/batch";
import { parseModel } from "../../src/models/registry";
import type { WeightPrecision } from "../../src/models/weights";
import { randomFloats } from "./gpu";
import { openFixture } from "./models";

/** Reproducible whole numbers below a limit. */
export class Random {
  readonly #values: Float32Array;
  #at = 0;

  constructor(seed: number) {
    this.#values = randomFloats(4096, seed);
  }

  below(limit: number): number {
    const value = (this.#values[this.#at++ % this.#values.length] ?? 0) * 1000 + 1000;
    return Math.floor((value % 1) * limit);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

export interface Draft extends Tree {
  readonly tokens: readonly number[]; // the root's first
}

/** A random tree in depth-first order; siblings may carry equal tokens, which no drafter would make but no kernel minds. */
export function randomTree(rows: number, vocabulary: number, random: Random): Draft {
  const parents = [0];
  let path = [0];
  for (let row = 1; row < rows; row++) {
    // Often one deeper, sometimes back up.
    path = path.slice(0, random.below(3) > 0 ? path.length : 1 + random.below(path.length));
    parents.push(path.at(-1) ?? 0);
    path.push(row);
  }
  return { parents, tokens: parents.map(() => random.below(vocabulary)) };
}

/** The paths that end where nothing follows. */
function leaves(tree: Tree): number[][] {
  return treePaths(tree).filter((path) => !tree.parents.some((parent, row) => row > 0 && parent === path.at(-1)));
}

export function tokensOf(tree: Pick<Draft, "tokens">, path: readonly number[]): number[] {
  return path.map((row) => tree.tokens[row] ?? 0);
}

/** A model with the sequence that it has been fed, and places to come back to. */
export class Subject {
  readonly runner: Runner;
  readonly vocabulary: number;
  readonly #gpu: Gpu;
  readonly #saved: GPUBuffer;
  readonly #maxRows: number;

  private constructor(gpu: Gpu, runner: Runner, vocabulary: number, maxRows: number) {
    this.#gpu = gpu;
    this.runner = runner;
    this.#maxRows = maxRows;
    this.vocabulary = vocabulary;
    this.#saved = runner.stateStorage(1);
  }

  static async load(gpu: Gpu, name: string, precision: WeightPrecision, context: number, maxRows = 64): Promise<Subject> {
    const checkpoint = await openFixture(name);
    const model = parseModel(checkpoint.config);
    const { vocabularySize } = model.shape;
    const runner = await Runner.load(gpu, model, checkpoint, {
      precision,
      cacheType: precision === "full" ? "f32" : "int8",
      context,
      maxRows,
      maxHeadRows: 16,
      live: vocabularySize,
      onWeights: () => {},
      onCompiled: () => {},
    });
    return new Subject(gpu, runner, vocabularySize, maxRows);
  }

  /** The prompt's tokens from one position up to another. */
  prompt(from: number, to: number): number[] {
    return Array.from({ length: to - from }, (_, i) => ((from + i) * 7 + 3) % this.vocabulary);
  }

  /** Feeds the prompt's first tokens to an empty cache, and marks the place. */
  async start(length: number): Promise<void> {
    this.runner.clearStates();
    await this.feed(0, length);
    this.mark();
  }

  /** Starts at whatever depth, with random keys and values in place of those of a text. */
  startDeep(): void {
    this.runner.clearStates();
    const { queue } = this.#gpu.device;
    for (const [i, { dispatch }] of this.runner.dispatches({ rows: 1, headRows: 1 }).entries()) {
      const { cache, cache_scales: scales } = dispatch.bindings;
      if (dispatch.shader.name !== "attention" || !cache) continue;
      const values = randomFloats(cache.size / (scales ? 1 : 4), i + 1);
      queue.writeBuffer(cache, 0, scales ? Int8Array.from(values, (x) => x * 127) : values);
      if (scales)
        queue.writeBuffer(
          scales,
          0,
          randomFloats(scales.size / 4, i + 1).map((x) => 0.02 + x / 100),
        );
    }
    this.mark();
  }

  /** Feeds the prompt's tokens from one position up to another. */
  async feed(from: number, to: number): Promise<void> {
    for (let position = from; position < to; position += this.#maxRows) {
      const tokens = this.prompt(position, Math.min(to, position + this.#maxRows));
      this.runner.feed({ rows: tokens.length, headRows: 0, position, tokens });
      await this.runner.settle();
    }
  }

  mark(): void {
    this.runner.copyStates("save", this.#saved, 0);
  }

  /** Goes back to the mark; keys and values behind it need no undoing. */
  rewind(): void {
    this.runner.copyStates("restore", this.#saved, 0);
  }

  /** Logits of each row, or of the last `headRows`. */
  async logits(
    pass: Omit<Pass, "rows" | "headRows"> & { readonly tokens: readonly number[]; readonly headRows?: number },
  ): Promise<Buffer[]> {
    const rows = pass.tokens.length;
    const headRows = pass.headRows ?? rows;
    const logits = await this.runner.logits({ ...pass, rows, headRows }, this.vocabulary);
    const bytes = Buffer.from(logits.buffer);
    return Array.from({ length: headRows }, (_, row) => bytes.subarray(row * this.vocabulary * 4, (row + 1) * this.vocabulary * 4));
  }

  /** Logits behind each token, fed one by one. */
  async plain(tokens: readonly number[], position: number): Promise<Buffer[]> {
    const all: Buffer[] = [];
    for (const [i, token] of tokens.entries()) all.push(...(await this.logits({ position: position + i, tokens: [token] })));
    return all;
  }
}

/** Holds the logits of a tree's nodes to those of decoding each path from its root, at the marked place. */
export async function expectPlainPaths(subject: Subject, tree: Draft, start: number): Promise<void> {
  const nodes = await subject.logits({ position: start, tokens: tree.tokens, tree });
  for (const path of leaves(tree)) {
    subject.rewind();
    const plain = await subject.plain(tokensOf(tree, path), start);
    const rows = path.map((row) => nodes[row] ?? Buffer.alloc(0));
    expectSame(rows, plain, `tree of ${tree.tokens.length} at ${start}, path ${path.join(" ")}`);
  }
  subject.rewind();
}

export function expectSame(actual: readonly Buffer[], expected: readonly Buffer[], what: string): void {
  expect(actual.length, what).toBe(expected.length);
  actual.forEach((row, i) => {
    expect(row.equals(expected[i] ?? Buffer.alloc(0)), `${what}: row ${i} has the same bits`).toBe(true);
  });
}
