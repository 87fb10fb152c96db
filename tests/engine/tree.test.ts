// Speculation is invisible only if a tree's nodes have, bit for bit, what plain decoding of their paths has, and if nothing of a tree is left
// in the caches but what plain decoding would have left there.
import { afterAll, describe, expect, test } from "vitest";
import { type Pass, Runner } from "../../src/engine/runner";
import { type Tree, treePaths } from "../../src/kernels/batch";
import { sampleReference } from "../../src/kernels/sample.reference";
import { parseModel } from "../../src/models/registry";
import type { WeightPrecision } from "../../src/models/weights";
import { inPrompt } from "../../src/speculate/filters";
import { randomFloats, useGpu } from "../setup/gpu";
import { greedy, openFixture } from "../setup/models";

const bench = useGpu();

/** Reproducible whole numbers below a limit. */
class Random {
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

interface Draft extends Tree {
  readonly tokens: readonly number[]; // the root's first
}

/** A random tree in depth-first order; siblings may carry equal tokens, which no drafter would make but no kernel minds. */
function randomTree(rows: number, vocabulary: number, random: Random): Draft {
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

// A node on every depth from which one of two branches goes on, so that paths cross from one key chunk into the next at every place.
const deep = [0, 0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 12, 12, 14];

/** The paths that end where nothing follows. */
function leaves(tree: Tree): number[][] {
  return treePaths(tree).filter((path) => !tree.parents.some((parent, row) => row > 0 && parent === path.at(-1)));
}

function tokensOf(tree: Pick<Draft, "tokens">, path: readonly number[]): number[] {
  return path.map((row) => tree.tokens[row] ?? 0);
}

/** A model with the sequence that it has been fed, and places to come back to. */
class Subject {
  readonly runner: Runner;
  readonly vocabulary: number;
  readonly #saved: GPUBuffer;

  private constructor(runner: Runner, vocabulary: number) {
    this.runner = runner;
    this.vocabulary = vocabulary;
    this.#saved = runner.stateStorage(1);
  }

  static async load(name: string, precision: WeightPrecision, context: number): Promise<Subject> {
    const checkpoint = await openFixture(name);
    const model = parseModel(checkpoint.config);
    const { vocabularySize } = model.shape;
    const runner = await Runner.load(bench.gpu, model, checkpoint, {
      precision,
      cacheType: precision === "full" ? "f32" : "int8",
      context,
      maxRows: 64,
      maxHeadRows: 16,
      live: vocabularySize,
      onWeights: () => {},
      onCompiled: () => {},
    });
    return new Subject(runner, vocabularySize);
  }

  /** Feeds a prompt of this length to an empty cache, and marks the place. */
  async start(length: number): Promise<void> {
    this.runner.clearStates();
    const tokens = Array.from({ length }, (_, i) => (i * 7 + 3) % this.vocabulary);
    for (let position = 0; position < length; position += 64) {
      const chunk = tokens.slice(position, position + 64);
      this.runner.feed({ rows: chunk.length, headRows: 0, position, tokens: chunk });
      await this.runner.settle();
    }
    this.runner.copyStates("save", this.#saved, 0);
  }

  /** Goes back to the mark; keys and values behind it need no undoing. */
  rewind(): void {
    this.runner.copyStates("restore", this.#saved, 0);
  }

  /** Logits of each row. */
  async logits(pass: Omit<Pass, "rows" | "headRows"> & { readonly tokens: readonly number[] }): Promise<Buffer[]> {
    const rows = pass.tokens.length;
    const logits = await this.runner.logits({ ...pass, rows, headRows: rows }, this.vocabulary);
    const bytes = Buffer.from(logits.buffer);
    return Array.from({ length: rows }, (_, row) => bytes.subarray(row * this.vocabulary * 4, (row + 1) * this.vocabulary * 4));
  }

  /** Logits behind each token, fed one by one. */
  async plain(tokens: readonly number[], position: number): Promise<Buffer[]> {
    const all: Buffer[] = [];
    for (const [i, token] of tokens.entries()) all.push(...(await this.logits({ position: position + i, tokens: [token] })));
    return all;
  }
}

/** Holds the logits of a tree's nodes to those of decoding each path from its root, at the marked place. */
async function expectPlainPaths(subject: Subject, tree: Draft, start: number): Promise<void> {
  const nodes = await subject.logits({ position: start, tokens: tree.tokens, tree });
  for (const path of leaves(tree)) {
    subject.rewind();
    const plain = await subject.plain(tokensOf(tree, path), start);
    const rows = path.map((row) => nodes[row] ?? Buffer.alloc(0));
    expectSame(rows, plain, `tree of ${tree.tokens.length} at ${start}, path ${path.join(" ")}`);
  }
  subject.rewind();
}

function floatsOf(bytes: Buffer): Float32Array<ArrayBuffer> {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

function expectSame(actual: readonly Buffer[], expected: readonly Buffer[], what: string): void {
  expect(actual.length, what).toBe(expected.length);
  actual.forEach((row, i) => {
    expect(row.equals(expected[i] ?? Buffer.alloc(0)), `${what}: row ${i} has the same bits`).toBe(true);
  });
}

// Both have several layers that mix positions, so that what one row gets wrong another would see. Precisions differ in their products only,
// and those are held to each other elsewhere, so one goes through every place.
const everywhere = [
  [0, 5],
  [1, 16],
  [122, 9], // from one chunk of 128 keys into the next
  [118, 16],
  [127, 2],
] as const;
const some = [
  [1, 9],
  [118, 16],
] as const;
const subjects = [
  ["lfm2-long-bf16", "w8a8", everywhere, 4],
  ["stories260k", "w8a8", everywhere, 4],
  ["lfm2-long-bf16", "full", some, 2],
  ["stories260k", "full", some, 2],
  ["lfm2-long-bf16", "w4a8", some, 2],
] as const;

describe.each(subjects)("%s, %s", (name, precision, places, rounds) => {
  let loaded: Promise<Subject> | undefined;
  const load = () => (loaded ??= Subject.load(name, precision, 160));
  afterAll(async () => (await loaded)?.runner.dispose());

  test("every node of a tree has the logits of plain decoding along its path", () =>
    bench.run(async () => {
      const subject = await load();
      const random = new Random(71);
      for (const [start, rows] of places) {
        await subject.start(start);
        await expectPlainPaths(subject, randomTree(rows, subject.vocabulary, random), start);
      }
    }));

  test("once a path is kept, whatever follows is as if nothing had been speculated", () =>
    bench.run(async () => {
      const subject = await load();
      const random = new Random(72);
      const start = 57;
      await subject.start(start);
      for (let round = 0; round < rounds; round++) {
        const trees = [16, 11, 7].map((rows) => randomTree(rows, subject.vocabulary, random));
        const paths = trees.map((tree) => random.pick(treePaths(tree)));
        const chunk = Array.from({ length: 20 }, () => random.below(subject.vocabulary));
        // Speculated: tree upon tree, then a plain token or a chunk, with the last path kept by that pass or before it.
        subject.rewind();
        let position = start;
        let accepted: readonly number[] = [];
        for (const [i, tree] of trees.entries()) {
          subject.runner.feed({ rows: tree.tokens.length, headRows: 0, position, tokens: tree.tokens, tree, accepted });
          accepted = paths[i] ?? [];
          position += accepted.length;
        }
        if (round % 2 === 1) {
          subject.runner.keep(accepted);
          accepted = [];
        }
        const rows = round % 3 === 0 ? chunk : chunk.slice(0, 1);
        const after = rows.length > 16 ? [] : await subject.logits({ position, tokens: rows, accepted });
        if (rows.length > 16) subject.runner.feed({ rows: rows.length, headRows: 0, position, tokens: rows, accepted });
        position += rows.length;
        const last = randomTree(13, subject.vocabulary, random);
        after.push(...(await subject.logits({ position, tokens: last.tokens, tree: last })));

        // Plain.
        subject.rewind();
        const sure = trees.flatMap((tree, i) => tokensOf(tree, paths[i] ?? []));
        await subject.plain(sure, start);
        const wanted = await subject.plain(rows, start + sure.length);
        const plain = rows.length > 16 ? [] : wanted;
        plain.push(...(await subject.logits({ position, tokens: last.tokens, tree: last })));
        expectSame(after, plain, `round ${round}`);
      }
    }));

  test("every node draws by its own position's noise and its own path's penalties", () =>
    bench.run(async () => {
      const subject = await load();
      const random = new Random(73);
      const start = 20;
      await subject.start(start);
      for (const temperature of [0, 1]) {
        // Few different tokens, so that paths repeat them, and penalties whose products are exact however fma() rounds.
        const tree = randomTree(16, 6, random);
        const penalties = { repetitionPenalty: 1.25, presencePenalty: 0.5, frequencyPenalty: 0.375 };
        const sampling = { ...greedy, ...penalties, temperature, topK: 40, seed: 7n };
        const counts = Uint32Array.from({ length: subject.vocabulary }, () => random.below(3) + (random.below(2) > 0 ? inPrompt : 0));
        subject.runner.configure(sampling, counts);
        const logits = await subject.logits({ position: start, tokens: tree.tokens, tree });
        subject.rewind();
        const pass = { rows: 16, headRows: 16, position: start, tokens: tree.tokens, tree };
        const drawn = Array.from(await subject.runner.draw(pass));
        subject.rewind();
        const expected = treePaths(tree).map((path, row) => {
          const seen = counts.slice();
          for (const token of tokensOf(tree, path.slice(1))) seen[token] = (seen[token] ?? 0) + 1;
          return sampleReference(floatsOf(logits[row] ?? Buffer.alloc(0)), seen, sampling, start + path.length);
        });
        expect(drawn).toEqual(expected);
        expect(new Set(drawn).size).toBeGreaterThan(1);

        // What is kept of a tree is counted once the host says so; then a plain draw is the one that would have followed anyway.
        const path = random.pick(treePaths(tree));
        const bonus = drawn[path.at(-1) ?? 0] ?? 0;
        subject.runner.feed(pass);
        subject.runner.count([...tokensOf(tree, path.slice(1)), bonus]);
        const position = start + path.length;
        const after = await subject.runner.draw({ rows: 1, headRows: 1, position, tokens: [bonus], accepted: path });
        subject.rewind();
        subject.runner.configure(sampling, counts);
        await subject.plain(tokensOf(tree, path), start);
        subject.runner.count([...tokensOf(tree, path.slice(1)), bonus]);
        expect(after).toEqual(await subject.runner.draw({ rows: 1, headRows: 1, position, tokens: [bonus] }));
        subject.rewind();
      }
    }));
});

// Key chunks are of 128 positions, and the deepest nodes behind 2,042 lie in the 17th.
test.each(["lfm2-long-bf16", "llama-tied-bf16"])("%s: nodes past 2,000 tokens have the logits of plain decoding", (name) =>
  bench.run(async () => {
    const subject = await Subject.load(name, "w8a8", 2112);
    await subject.start(2042);
    await expectPlainPaths(subject, { ...randomTree(16, subject.vocabulary, new Random(74)), parents: deep }, 2042);
    subject.runner.dispose();
  }),
);

test("a pass that does not say what is kept of the tree before it is refused, and so is one behind the context", () =>
  bench.run(async () => {
    const subject = await Subject.load("llama-tied-bf16", "w8a8", 64);
    const { runner } = subject;
    const plain = (position: number, accepted?: readonly number[]): Pass => ({
      ...{ rows: 1, headRows: 0, position, tokens: [3] },
      ...(accepted ? { accepted } : {}),
    });
    const wrong = { code: "internal", message: "A pass does not follow the one before it." };
    await subject.start(10);
    const refused = (pass: Pass) => expect(() => runner.feed(pass)).toThrow(expect.objectContaining(wrong));
    refused(plain(10, [0]));
    refused(plain(64));
    runner.feed({ rows: 3, headRows: 0, position: 10, tokens: [1, 2, 3], tree: { parents: [0, 0, 1] } });
    refused(plain(11));
    refused(plain(11, [0, 2]));
    runner.feed(plain(12, [0, 1]));
    expect(() => runner.keep([0])).toThrow(expect.objectContaining(wrong));
    runner.dispose();
  }));
