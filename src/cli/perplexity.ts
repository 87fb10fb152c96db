import type { Engine } from "../engine/engine";
import type { Gpu } from "../gpu/device";
import { openCheckpoint } from "../weights/checkpoint";
import { defineCommand } from "./command";
import { type Corpus, readText, readTokens, windowsOf } from "./corpus";
import { FolderSource } from "./folder_source";
import { withEngine, withGpu } from "./open_engine";
import { bad, countOption, precisionOption, required, type Values } from "./options";
import { Score } from "./score";
import type { Terminal } from "./terminal";

const ROWS = 16; // a pass; two passes of logits are held at most

const OPTIONS = {
  model: { type: "string", value: "DIR", help: "the model's folder" },
  text: { type: "string", value: "FILE", help: "a UTF-8 text" },
  "tokens-file": { type: "string", value: "FILE", help: 'token ids in its place: a JSON list, or {"tokens": [...]}' },
  precision: { type: "string", value: "P", help: "full, w8a8 or w4a8 (default: what a package holds, else w8a8)" },
  against: { type: "string", value: "full", help: "also compare with full precision: mean KL divergence and top-1 agreement" },
  context: { type: "string", value: "N", help: "tokens a window (default: the model's context, at most 4096)" },
  json: { type: "boolean", help: "print one JSON object in place of a line for each figure" },
} as const;

export const perplexity = defineCommand({
  name: "perplexity",
  summary: "Measures how well a model predicts a text.",
  usage: "--model DIR (--text FILE | --tokens-file FILE.json) [options]",
  notes:
    "A long text is cut into windows that share nothing, each begun with the token that the tokenizer begins a text with, if any.\n" +
    "A window's first token is not scored. Bits per byte: nats per token, times tokens per byte of text, over ln 2.",
  options: OPTIONS,
  run: runPerplexity,
});

async function runPerplexity(values: Values<typeof OPTIONS>, terminal: Terminal): Promise<void> {
  const folder = required(values.model, "model");
  if ((values.text === undefined) === (values["tokens-file"] === undefined)) throw bad("Give either --text or --tokens-file.");
  if (values.against !== undefined && values.against !== "full") throw bad("--against takes only full.");
  const precision = precisionOption(values.precision);
  const contextLength = countOption(values.context, "context");
  const checkpoint = await openCheckpoint(new FolderSource(folder));
  const corpus = values.text === undefined ? await readTokens(values["tokens-file"] ?? "") : await readText(values.text, checkpoint.source);
  if (corpus.begin.length + corpus.tokens.length < 2) throw bad("There is no token to score: the first one only begins the text.");

  const base = { maxRows: ROWS, maxHeadRows: ROWS };
  const options = { ...base, ...(precision && { precision }), ...(contextLength !== undefined && { contextLength }) };
  await withGpu((gpu) =>
    withEngine(gpu, checkpoint, options, terminal, async (tested) => {
      if (values.against === undefined) return report(tested, null, corpus, gpu, values.json === true, terminal);
      const fullOptions = { ...base, precision: "full", contextLength: tested.contextLength } as const;
      return withEngine(gpu, checkpoint, fullOptions, terminal, (full) =>
        report(tested, full, corpus, gpu, values.json === true, terminal),
      );
    }),
  );
}

async function report(tested: Engine, full: Engine | null, corpus: Corpus, gpu: Gpu, json: boolean, terminal: Terminal): Promise<void> {
  const start = performance.now();
  const score = await scoreCorpus(tested, full, corpus, terminal);
  const nats = score.nats / score.tokens;
  const figures = {
    natsPerToken: nats,
    perplexity: Math.exp(nats),
    ...(corpus.bytes !== null && { bitsPerByte: (nats * corpus.tokens.length) / corpus.bytes / Math.LN2 }),
    ...(full && {
      fullNatsPerToken: score.referenceNats / score.tokens,
      klDivergence: score.divergence / score.tokens,
      top1Agreement: score.agreements / score.tokens,
    }),
    tokens: corpus.tokens.length,
    scoredTokens: score.tokens,
    ...(corpus.bytes !== null && { bytes: corpus.bytes }),
    contextLength: tested.contextLength,
    precision: tested.precision,
    ...(full && { against: full.precision }),
    seconds: Math.round(performance.now() - start) / 1000,
    adapter: gpu.name,
  };
  const lines = Object.entries(figures).map(([name, value]) => `${name} ${value}\n`);
  await terminal.out(json ? `${JSON.stringify(figures)}\n` : lines.join(""));
}

async function scoreCorpus(tested: Engine, full: Engine | null, corpus: Corpus, terminal: Terminal): Promise<Score> {
  const score = new Score();
  const rows = Math.min(ROWS, tested.contextLength);
  let done = 0;
  for (const window of windowsOf(corpus, tested.contextLength)) {
    // Both models go through the window side by side, a pass at a time.
    const reference = full?.logits(window, rows);
    let next = 1; // the place in the window that the next logits are for
    for await (const pass of tested.logits(window, rows)) {
      terminal.signal.throwIfAborted();
      const against = (await reference?.next())?.value ?? null;
      const vocabulary = tested.shape.vocabularySize;
      for (let begin = 0; begin < pass.length && next < window.length; begin += vocabulary, next++) {
        const row = (logits: Float32Array) => logits.subarray(begin, begin + vocabulary);
        score.add(row(pass), window[next] ?? 0, against && row(against));
      }
      terminal.progress(`Scored: ${Math.floor((100 * (done + next)) / corpus.tokens.length)} %`);
    }
    // A generator stopped in its last pass keeps its engine busy.
    await reference?.return();
    done += window.length;
  }
  terminal.progress(null);
  return score;
}
