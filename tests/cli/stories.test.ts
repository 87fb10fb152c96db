// The text of a trained model: in full precision what transformers wrote, and in W8A8 how near to it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FolderSource } from "../../src/cli/folder_source";
import { nodeGpu } from "../../src/cli/node_gpu";
import { writeReply } from "../../src/cli/reply";
import { samplingFrom } from "../../src/cli/sampling_options";
import { Engine } from "../../src/engine/engine";
import { type Gpu, openGpu } from "../../src/gpu/device";
import { loadTokenizer, type Tokenizer } from "../../src/text/tokenizer";
import { openCheckpoint } from "../../src/weights/checkpoint";

interface Story {
  readonly prompt: string;
  readonly prompt_tokens: readonly number[];
  readonly greedy_tokens: readonly number[];
  readonly greedy_text: string; // with the prompt
}

const folder = join(import.meta.dirname, "../golden/fixtures/stories260k");
const { cases } = JSON.parse(readFileSync(join(folder, "golden.json"), "utf8")) as { cases: readonly Story[] };

let gpu: Gpu;
let tokenizer: Tokenizer;
beforeAll(async () => {
  gpu = await openGpu(nodeGpu());
  tokenizer = await loadTokenizer(new FolderSource(folder));
});
afterAll(() => gpu.device.destroy());

async function load(precision: "full" | "w8a8"): Promise<Engine> {
  return Engine.load(gpu, await openCheckpoint(new FolderSource(folder)), { precision, maxHeadRows: 16 });
}

async function write(engine: Engine, story: Story) {
  const request = {
    tokens: tokenizer.encode(story.prompt, { special: true }),
    sampling: samplingFrom({}),
    maxTokens: 120,
    endTokens: new Set<number>(),
  };
  const pieces: string[] = [];
  const reply = await writeReply(
    engine,
    request,
    { tokenizer, context: request.tokens, stops: [] },
    new AbortController().signal,
    async (text) => {
      pieces.push(text);
    },
  );
  expect(pieces.join("")).toBe(reply.text);
  expect(reply.reason).toBe("length");
  return reply;
}

const PATIENCE = 300_000; // ms; hundreds of tokens on a software adapter

test("in full precision all three texts are those of transformers, for all 120 tokens", { timeout: PATIENCE }, async () => {
  expect(cases.length).toBe(3);
  const engine = await load("full");
  for (const story of cases) {
    expect(tokenizer.encode(story.prompt, { special: true })).toEqual(story.prompt_tokens);
    const reply = await write(engine, story);
    expect(reply.tokens).toEqual(story.greedy_tokens);
    expect(story.prompt + reply.text).toBe(story.greedy_text);
  }
  engine.dispose();
});

test("in W8A8 the first choice is nearly always the same", { timeout: PATIENCE }, async ({ annotate }) => {
  const engine = await load("w8a8");
  const vocabulary = engine.shape.vocabularySize;
  let same = 0;
  let all = 0;
  const prefixes: number[] = [];
  for (const { prompt_tokens: prompt, greedy_tokens: greedy, ...story } of cases) {
    const { tokens } = await write(engine, { prompt_tokens: prompt, greedy_tokens: greedy, ...story });
    const parting = tokens.findIndex((token, i) => token !== greedy[i]);
    prefixes.push(parting < 0 ? tokens.length : parting);
    // The text of full precision is laid before the model, so that one other choice does not make all later ones count as different.
    let position = 1; // of the token that the next row of logits is for
    for await (const pass of engine.logits([...prompt, ...greedy], 16)) {
      for (let from = 0; from < pass.length; from += vocabulary, position++) {
        const expected = greedy[position - prompt.length];
        if (expected === undefined) continue;
        const row = pass.subarray(from, from + vocabulary);
        all += 1;
        if (row.indexOf(row.reduce((a, b) => Math.max(a, b))) === expected) same += 1;
      }
    }
  }
  engine.dispose();
  await annotate(`${same} of ${all} first choices agree; left to itself it writes the same for ${prefixes.join(", ")} tokens`);
  expect(all).toBe(360);
  expect(same).toBeGreaterThanOrEqual(350); // 357 when this was written
});

test("stop strings cut the text, a spent context and Ctrl+C end it, and what does not fit is refused", async () => {
  const engine = await Engine.load(gpu, await openCheckpoint(new FolderSource(folder)), { precision: "full", contextLength: 24 });
  const request = { tokens: cases[0]!.prompt_tokens, sampling: samplingFrom({}), maxTokens: 100, endTokens: new Set<number>() };
  const quiet = async () => {};
  const never = new AbortController().signal;

  const whole = await writeReply(engine, request, { tokenizer, context: request.tokens, stops: [] }, never, quiet);
  expect(whole.reason).toBe("context");
  expect(whole.tokens).toEqual(cases[0]!.greedy_tokens.slice(0, 20));

  const stopped = await writeReply(engine, request, { tokenizer, context: request.tokens, stops: ["a little"] }, never, quiet);
  expect(stopped).toMatchObject({ text: ", there was ", reason: "stop" });

  const ended = await writeReply(
    engine,
    { ...request, endTokens: new Set([286]) },
    { tokenizer, context: request.tokens, stops: [] },
    never,
    quiet,
  );
  expect(ended).toMatchObject({ tokens: [432, 383, 286], reason: "stop" });

  const interrupt = new AbortController();
  const cut = await writeReply(engine, request, { tokenizer, context: request.tokens, stops: [] }, interrupt.signal, async () =>
    interrupt.abort(),
  );
  expect(cut.reason).toBe("aborted");
  expect(cut.tokens.length).toBeLessThan(5);

  const silent = await writeReply(engine, { ...request, maxTokens: 3 }, { tokenizer: null, context: [], stops: [] }, never, quiet);
  expect(silent).toMatchObject({ tokens: [432, 383, 286], text: "", reason: "length" });

  const long = { ...request, tokens: Array.from({ length: 25 }, () => 5) };
  await expect(writeReply(engine, long, { tokenizer, context: request.tokens, stops: [] }, never, quiet)).rejects.toMatchObject({
    code: "context-full",
  });
  engine.dispose();
});
