// Bits far into a text: past 2,000 tokens, at the chunk size that a GPU is given, a token's logits are those of decoding it alone.
import { expect, test } from "vitest";
import { useGpu } from "../setup/gpu";
import { expectPlainPaths, expectSame, Random, randomTree, Subject } from "../setup/subject";

const bench = useGpu();

const CHUNK = 256; // rows of a pass, as Engine.load chooses on a GPU
const COUNT = 16; // tokens that are looked at
const DEPTH = 2042; // of the first: key chunks are of 128 positions, and some of the tokens lie in the 16th and others in the 17th

// A node on every depth from which one of two branches goes on, so that paths cross from one key chunk into the next at every place.
const deep = [0, 0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 12, 12, 14];

test.each([
  ["lfm2-long-bf16", "w8a8", "this device"],
  ["llama-sharded-f32", "w8a8", "this device"],
  ["lfm2-odd-heads-f16", "w4a8", "this device"],
  ["llama-sharded-f32", "w4a8", "this device"],
  ["lfm2-long-bf16", "w8a8", "a GPU"],
  ["llama-sharded-f32", "w4a8", "a GPU"],
  ["lfm2-long-bf16", "full", "a GPU"],
] as const)("%s in %s by the variants of %s: alone, in batches, inside a chunk and as nodes of a tree", (name, precision, device) =>
  bench.run(async () => {
    const gpu = device === "a GPU" ? { ...bench.gpu, software: false } : bench.gpu;
    const subject = await Subject.load(gpu, name, precision, DEPTH + 64, CHUNK);
    const end = DEPTH + COUNT;
    subject.startDeep();
    const chunk = subject.prompt(end - CHUNK, end);
    const inside = await subject.logits({ position: end - CHUNK, tokens: chunk, headRows: COUNT });
    subject.rewind();
    await subject.feed(end - CHUNK, DEPTH);
    subject.mark();

    const tokens = subject.prompt(DEPTH, end);
    const alone = await subject.plain(tokens, DEPTH);
    expect(new Set(alone.map((row) => row.toString("base64"))).size).toBe(COUNT); // they do depend on what stands before
    expectSame(inside, alone, `inside a chunk of ${CHUNK}`);
    for (const rows of [2, 3, 5, 8, 16]) {
      subject.rewind();
      const batches = [];
      for (let at = 0; at < COUNT; at += rows) {
        batches.push(...(await subject.logits({ position: DEPTH + at, tokens: tokens.slice(at, at + rows) })));
      }
      expectSame(batches, alone, `${rows} rows`);
    }
    subject.rewind();
    const tree = { ...randomTree(COUNT, subject.vocabulary, new Random(74)), parents: deep };
    await expectPlainPaths(subject, tree, DEPTH);
    subject.runner.dispose();
  }),
);
