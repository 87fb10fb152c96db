// The same as depth.test.ts with the variants that a GPU is given.
import { expect, test } from "vitest";
import { useGpu } from "../setup/gpu";
import { expectPlainPaths, expectSame, Random, randomTree, Subject } from "../setup/subject";

const bench = useGpu();
const CHUNK = 256,
  COUNT = 16,
  DEPTH = 2042;
const deep = [0, 0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 12, 12, 14];

test.each([
  ["lfm2-long-bf16", "w8a8"],
  ["llama-sharded-f32", "w8a8"],
  ["lfm2-odd-heads-f16", "w4a8"],
  ["llama-sharded-f32", "w4a8"],
  ["llama-tied-bf16", "w4a8"],
  ["lfm2-long-bf16", "full"],
] as const)(
  "%s in %s",
  (name, precision) =>
    bench.run(async () => {
      const subject = await Subject.load({ ...bench.gpu, software: false }, name, precision, DEPTH + 64, CHUNK);
      const end = DEPTH + COUNT;
      await subject.start(end - CHUNK);
      const chunk = subject.prompt(end - CHUNK, end);
      const inside = await subject.logits({ position: end - CHUNK, tokens: chunk, headRows: COUNT });
      subject.rewind();
      await subject.feed(end - CHUNK, DEPTH);
      subject.mark();
      const tokens = subject.prompt(DEPTH, end);
      const alone = await subject.plain(tokens, DEPTH);
      expectSame(inside, alone, `inside a chunk of ${CHUNK}`);
      for (const rows of [2, 3, 5, 8, 16]) {
        subject.rewind();
        const batches = [];
        for (let at = 0; at < COUNT; at += rows)
          batches.push(...(await subject.logits({ position: DEPTH + at, tokens: tokens.slice(at, at + rows) })));
        expectSame(batches, alone, `${rows} rows`);
      }
      subject.rewind();
      const tree = { ...randomTree(COUNT, subject.vocabulary, new Random(74)), parents: deep };
      await expectPlainPaths(subject, tree, DEPTH);
      subject.runner.dispose();
      expect(true).toBe(true);
    }),
  600000,
);
