// The small models that tests run on, and the ways they look at them.
import { join } from "node:path";
import { FolderSource } from "../../src/cli/folder_source";
import type { Engine } from "../../src/engine/engine";
import type { SamplingParams } from "../../src/kernels/sample";
import type { EndReason } from "../../src/protocol/messages";
import type { Speculator } from "../../src/speculate/speculator";
import { openCheckpoint } from "../../src/weights/checkpoint";
import type { Checkpoint } from "../../src/weights/source";

export function fixture(name: string): string {
  return join(import.meta.dirname, "../golden/fixtures", name);
}

export function openFixture(name: string): Promise<Checkpoint> {
  return openCheckpoint(new FolderSource(fixture(name)));
}

export const greedy: SamplingParams = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: 0n,
};

/** Logits of every position, fed `rows` tokens a pass: [tokens, vocabulary]. */
export async function logitsOf(engine: Engine, tokens: readonly number[], rows: number): Promise<Float32Array> {
  const all = new Float32Array(tokens.length * engine.shape.vocabularySize);
  let at = 0;
  for await (const part of engine.logits(tokens, rows)) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export async function reply(
  engine: Engine,
  tokens: readonly number[],
  options: {
    sampling?: SamplingParams;
    maxTokens?: number;
    endTokens?: readonly number[];
    speculator?: Speculator;
    stopAfter?: number; // tokens, then nobody wants more
    abortAfter?: number; // tokens, then the request is aborted
    signal?: AbortSignal;
  } = {},
): Promise<{
  readonly tokens: number[];
  readonly summary: { readonly reason: EndReason; readonly passes: number; readonly cachedTokens: number } | null;
}> {
  const { sampling = greedy, maxTokens = 12, endTokens = [], speculator, stopAfter, abortAfter } = options;
  const abort = new AbortController();
  const { signal = abort.signal } = options;
  let cachedTokens = -1;
  const onCached = (count: number) => {
    cachedTokens = count;
  };
  let passes = 0;
  const onPass = () => {
    passes++;
  };
  const request = { tokens, sampling, maxTokens, endTokens: new Set(endTokens), onCached, onPass, ...(speculator && { speculator }) };
  const generator = engine.generate(request, signal);
  const drawn: number[] = [];
  for (;;) {
    const step = await generator.next();
    if (step.done) return { tokens: drawn, summary: { reason: step.value, passes, cachedTokens } };
    drawn.push(step.value.token);
    if (drawn.length === abortAfter) abort.abort();
    if (drawn.length === stopAfter) {
      await generator.return("aborted");
      return { tokens: drawn, summary: null };
    }
  }
}
