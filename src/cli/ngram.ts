import { readFile, writeFile } from "node:fs/promises";
import { samplingDefaults } from "../engine/sampling_defaults";
import { vocabularyOf } from "../engine/vocabulary";
import { NgramTable } from "../speculate/ngram";
import { NGRAM_DEFAULTS, trainNgrams } from "../speculate/ngram_training";
import { endTokens } from "../text/end_tokens";
import { loadTemplate } from "../text/template";
import { loadTokenizer, type Tokenizer } from "../text/tokenizer";
import { openCheckpoint } from "../weights/checkpoint";
import type { Checkpoint } from "../weights/source";
import { defineCommand } from "./command";
import { FolderSource } from "./folder_source";
import { withEngine, withGpu } from "./open_engine";
import { bad, countOption, required, type Values } from "./options";
import { writeReply } from "./reply";
import { SAMPLING_OPTIONS, samplingFrom } from "./sampling_options";
import type { Terminal } from "./terminal";

const DEFAULT_MAX_TOKENS = 256;
const LONGEST_CONTEXT = 8; // tokens

const OPTIONS = {
  model: { type: "string", value: "DIR", help: "the model's folder" },
  corpus: { type: "string", value: "FILE", help: "JSON: a list of lists of token ids, each a text of its own" },
  replies: { type: "string", value: "FILE", help: "text: a message on each line, which the model itself replies to" },
  "replies-each": { type: "string", value: "N", help: "replies to each message, with seeds one after another (default 1)" },
  "max-tokens": { type: "string", value: "N", help: `tokens of a reply at most (default ${DEFAULT_MAX_TOKENS})` },
  ...SAMPLING_OPTIONS,
  bytes: { type: "string", value: "N", help: `of the table at most (default ${NGRAM_DEFAULTS.bytes})` },
  longest: { type: "string", value: "N", help: `tokens of context at most, 1 to ${LONGEST_CONTEXT} (default ${NGRAM_DEFAULTS.longest})` },
  out: { type: "string", value: "FILE", help: "where to write the table" },
  "out-corpus": { type: "string", value: "FILE", help: "where to write what was learned from, as --corpus takes it" },
} as const;

export const ngram = defineCommand({
  name: "ngram",
  summary: "Makes a table of n-grams that drafts replies for the model.",
  usage: "--model DIR (--corpus FILE | --replies FILE) --out FILE [options]",
  options: OPTIONS,
  run: runNgram,
});

async function runNgram(values: Values<typeof OPTIONS>, terminal: Terminal): Promise<void> {
  const folder = required(values.model, "model");
  const out = required(values.out, "out");
  if ((values.corpus === undefined) === (values.replies === undefined)) throw bad("Give either --corpus or --replies.");
  const longest = countOption(values.longest, "longest") ?? NGRAM_DEFAULTS.longest;
  if (longest > LONGEST_CONTEXT) throw bad(`--longest takes 1 to ${LONGEST_CONTEXT}, not ${longest}.`);
  const bytes = countOption(values.bytes, "bytes") ?? NGRAM_DEFAULTS.bytes;
  const each = countOption(values["replies-each"], "replies-each") ?? 1;
  const maxTokens = countOption(values["max-tokens"], "max-tokens") ?? DEFAULT_MAX_TOKENS;
  samplingFrom(values);

  const checkpoint = await openCheckpoint(new FolderSource(folder));
  const tokenizer = await loadTokenizer(checkpoint.source);
  const vocabulary = await vocabularyOf(checkpoint.source, tokenizer);
  const corpus =
    values.corpus === undefined
      ? await writeReplies(checkpoint, tokenizer, await readMessages(values.replies ?? ""), values, { each, maxTokens }, terminal)
      : await readCorpus(values.corpus, vocabulary.size);
  terminal.signal.throwIfAborted();
  const table = trainNgrams(corpus, vocabulary, { ...NGRAM_DEFAULTS, longest, bytes });
  if (values["out-corpus"] !== undefined) await writeFile(values["out-corpus"], JSON.stringify(corpus));
  await writeFile(out, new Uint8Array(table));
  const tokens = corpus.reduce((sum, text) => sum + text.length, 0);
  const { contexts } = new NgramTable(table, vocabulary);
  await terminal.out(`${JSON.stringify({ out, texts: corpus.length, tokens, contexts, bytes: table.byteLength })}\n`);
}

/** Each text is the end of a prompt and the reply to it: what begins a reply is worth knowing too. Ctrl+C ends it. */
async function writeReplies(
  checkpoint: Checkpoint,
  tokenizer: Tokenizer,
  messages: readonly string[],
  values: Values<typeof OPTIONS>,
  { each, maxTokens }: { readonly each: number; readonly maxTokens: number },
  terminal: Terminal,
): Promise<number[][]> {
  const { config, generationConfig, source } = checkpoint;
  const template = await loadTemplate(source, tokenizer);
  const sampling = samplingFrom(values, samplingDefaults(generationConfig));
  const ends = endTokens(config, generationConfig, tokenizer);
  const texts: number[][] = [];
  await withGpu((gpu) =>
    withEngine(gpu, checkpoint, { liveTokens: tokenizer.vocabularySize }, terminal, async (engine) => {
      for (const [index, content] of messages.entries()) {
        const tokens = tokenizer.encode(template.render([{ role: "user", content }], { addGenerationPrompt: true }), { special: false });
        for (let reply = 0; reply < each && !terminal.signal.aborted; reply++) {
          terminal.progress(`Writing replies: ${index * each + reply} of ${messages.length * each}`);
          const seed = BigInt.asUintN(64, sampling.seed + BigInt(reply));
          const request = { tokens, sampling: { ...sampling, seed }, maxTokens, endTokens: ends };
          const reading = { tokenizer, context: [], stops: template.stops };
          const { tokens: written } = await writeReply(engine, request, reading, terminal.signal, async () => {});
          texts.push([...tokens.slice(-LONGEST_CONTEXT), ...written]);
        }
      }
    }),
  );
  terminal.progress(null);
  return texts;
}

async function readMessages(path: string): Promise<readonly string[]> {
  const messages = (await readInput(path)).split("\n").filter((line) => line.trim() !== "");
  if (messages.length === 0) throw bad(`${path} has no messages.`);
  return messages;
}

async function readCorpus(path: string, vocabulary: number): Promise<number[][]> {
  let json: unknown;
  try {
    json = JSON.parse(await readInput(path));
  } catch (error) {
    throw error instanceof SyntaxError ? bad(`${path} is not JSON.`, error.message) : error;
  }
  const isToken = (id: unknown) => typeof id === "number" && Number.isInteger(id) && id >= 0 && id < vocabulary;
  const isText = (text: unknown): text is number[] => Array.isArray(text) && text.every(isToken);
  if (!Array.isArray(json) || !json.every(isText)) throw bad(`${path} is no list of lists of this model's token ids.`);
  return json;
}

async function readInput(path: string): Promise<string> {
  return readFile(path, "utf8").catch((error: unknown) => {
    throw bad(`${path} cannot be read.`, error instanceof Error ? error.message : String(error));
  });
}
