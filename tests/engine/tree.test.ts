// Speculation is invisible only if a tree's nodes have, bit for bit, what plain decoding of their paths has, and if nothing of a tree is left
// in the caches but what plain decoding would have left there.
import { afterAll, describe, expect, test } from "vitest";
import type { Pass } from "../../src/engine/runner";
import { treePaths } from "../../src/kernels/batch";
import { sampleReference } from "../../src/kernels/sample.reference";
import { inPrompt } from "../../src/speculate/filters";
import { useGpu } from "../setup/gpu";
import { greedy } from "../setup/models";
import { expectPlainPaths, expectSame, Random, randomTree, Subject, tokensOf } from "../setup/subject";

const bench = useGpu();

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
  ["stories260k", "w8a8", some, 2],
  ["lfm2-long-bf16", "full", some, 2],
  ["lfm2-long-bf16", "w4a8", some, 2],
] as const;

function floatsOf(bytes: Buffer = Buffer.alloc(0)): Float32Array<ArrayBuffer> {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

describe.each(subjects)("%s, %s", (name, precision, places, rounds) => {
  let loaded: Promise<Subject> | undefined;
  const load = () => (loaded ??= Subject.load(bench.gpu, name, precision, 160));
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
          return sampleReference(floatsOf(logits[row]), seen, sampling, start + path.length);
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

test("a pass that does not say what is kept of the tree before it is refused, and so is one behind the context", () =>
  bench.run(async () => {
    const subject = await Subject.load(bench.gpu, "stories260k", "w8a8", 64); // compiled above
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
