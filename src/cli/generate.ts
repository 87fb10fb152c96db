import type { Engine } from "../engine/engine";
import type { Reading, Reply } from "../engine/read_reply";
import { samplingDefaults } from "../engine/sampling_defaults";
import { makeSpeculator, openTables } from "../engine/speculation";
import type { Gpu } from "../gpu/device";
import type { Speculator } from "../speculate/speculator";
import { endTokens } from "../text/end_tokens";
import { loadTemplate } from "../text/template";
import { loadTokenizer } from "../text/tokenizer";
import { openCheckpoint } from "../weights/checkpoint";
import type { Checkpoint } from "../weights/source";
import { defineCommand } from "./command";
import { openDraft, withDraftModel } from "./draft_model";
import { FolderSource } from "./folder_source";
import { withEngine, withGpu } from "./open_engine";
import { bad, countOption, precisionOption, required, tokensOption, type Values } from "./options";
import { writeReply } from "./reply";
import { SAMPLING_OPTIONS, samplingFrom } from "./sampling_options";
import { missingTable, NOT_EXACT, SPECULATE_HELP, speculateOption } from "./speculate_option";
import type { Terminal } from "./terminal";
import { openTunings } from "./tuning_file";

const DEFAULT_MAX_TOKENS = 256;

const OPTIONS = {
  model: { type: "string", value: "DIR", help: "the model's folder" },
  prompt: { type: "string", value: "TEXT", help: "text to go on from" },
  chat: { type: "boolean", help: "the prompt is a message, and the model replies to it" },
  tokens: { type: "string", value: "1,2,3", help: "token ids to go on from, in place of a prompt; no tokenizer is needed" },
  "max-tokens": { type: "string", value: "N", help: `how many tokens to write at most (default ${DEFAULT_MAX_TOKENS})` },
  ...SAMPLING_OPTIONS,
  precision: { type: "string", value: "P", help: "full, w8a8 or w4a8 (default: what a package holds, else w8a8)" },
  tuning: {
    type: "string",
    value: "FILE",
    help: "measure which variants are fastest here, and keep that in this file (default: the usual ones)",
  },
  context: { type: "string", value: "N", help: "tokens that prompt and reply have room for (default: the model's, at most 4096)" },
  speculate: { type: "string", value: "S", help: SPECULATE_HELP },
  "ignore-eos": { type: "boolean", help: "go on past the tokens that end a reply" },
  json: { type: "boolean", help: 'print {"tokens": [...], "text": "...", "stats": {...}} at the end, in place of text as it comes' },
} as const;

export const generate = defineCommand({
  name: "generate",
  summary: "Writes on from a prompt.",
  usage: "--model DIR (--prompt TEXT [--chat] | --tokens 1,2,3) [options]",
  notes: "The token that ends a reply is among the tokens, but not in the text.",
  options: OPTIONS,
  run: runGenerate,
});

/** What to go on from, and how to read what comes. */
interface Prompt extends Reading {
  readonly tokens: readonly number[];
}

async function runGenerate(values: Values<typeof OPTIONS>, terminal: Terminal): Promise<void> {
  const folder = required(values.model, "model");
  if ((values.prompt === undefined) === (values.tokens === undefined)) throw bad("Give either --prompt or --tokens.");
  if (values.chat === true && values.tokens !== undefined) throw bad("--chat needs a --prompt.");
  const precision = precisionOption(values.precision);
  const contextLength = countOption(values.context, "context");
  const maxTokens = countOption(values["max-tokens"], "max-tokens") ?? DEFAULT_MAX_TOKENS;
  const speculation = speculateOption(values.speculate);
  samplingFrom(values); // so that a mistake shows before a model is loaded

  const checkpoint = await openCheckpoint(new FolderSource(folder));
  const draft = await openDraft(speculation?.draftModel, checkpoint);
  const prompt = await readPrompt(values, checkpoint);
  const tables = prompt.tokenizer ? await openTables(checkpoint.source, prompt.tokenizer) : { ngrams: null };
  const tunings = values.tuning === undefined ? null : await openTunings(values.tuning);
  const options = {
    ...(precision && { precision }),
    ...(contextLength !== undefined && { contextLength }),
    ...(tunings && { tunings }),
    ...(prompt.tokenizer && { liveTokens: prompt.tokenizer.vocabularySize }),
  };
  await withGpu((gpu) =>
    withEngine(gpu, checkpoint, options, terminal, async (engine) => {
      const { config, generationConfig } = checkpoint;
      const problem = speculation && (engine.exact ? missingTable(speculation, tables) : NOT_EXACT);
      if (problem) terminal.note(problem);
      await withDraftModel(gpu, engine.exact ? draft : undefined, engine, terminal, async (draftModel) => {
        const speculator = speculation && makeSpeculator(engine, { ...tables, ...(draftModel && { draftModel }) }, speculation);
        const request = {
          tokens: prompt.tokens,
          sampling: samplingFrom(values, values.chat === true ? samplingDefaults(generationConfig) : undefined),
          maxTokens,
          ...(speculator && { speculator }),
          endTokens: values["ignore-eos"] === true ? new Set<number>() : endTokens(config, generationConfig, prompt.tokenizer),
        };
        const json = values.json === true;
        const reply = await writeReply(engine, request, prompt, terminal.signal, async (text) => {
          if (!json) await terminal.out(text);
        });
        const stats = { ...statsOf(reply, prompt, engine, gpu), speculation: speculator && speculationOf(speculator) };
        if (json) return terminal.out(`${JSON.stringify({ tokens: reply.tokens, text: reply.text, stats })}\n`);
        await terminal.out("\n");
        const passes = `${stats.newTokens} tokens in ${stats.passes} passes, ${stats.decodeTokensPerSecond} a second`;
        const drafts = stats.speculation ? [`${stats.speculation.accepted} of ${stats.speculation.proposed} drafts accepted`] : [];
        terminal.note([passes, ...drafts, stats.precision, `on ${stats.adapter}`].join(", "));
      });
    }),
  );
}

async function readPrompt(values: Values<typeof OPTIONS>, { source }: Checkpoint): Promise<Prompt> {
  if (values.tokens !== undefined) {
    const tokens = tokensOption(values.tokens);
    return { tokens, tokenizer: (await source.has("tokenizer.json")) ? await loadTokenizer(source) : null, context: tokens, stops: [] };
  }
  const tokenizer = await loadTokenizer(source);
  const text = values.prompt ?? "";
  if (values.chat !== true) {
    const tokens = tokenizer.encode(text, { special: true });
    return { tokens, tokenizer, context: tokens, stops: [] };
  }
  const template = await loadTemplate(source, tokenizer);
  const rendered = template.render([{ role: "user", content: tokenizer.quote(text) }], { addGenerationPrompt: true });
  const stops = values["ignore-eos"] === true ? [] : template.stops;
  return { tokens: tokenizer.encodeRendered(rendered), tokenizer, context: [], stops };
}

function statsOf(reply: Reply, prompt: Prompt, engine: Engine, gpu: Gpu) {
  return {
    loadMs: rounded(engine.loadMs),
    firstTokenMs: rounded(reply.firstTokenMs),
    prefillTokensPerSecond: rounded((prompt.tokens.length * 1000) / reply.firstTokenMs),
    decodeTokensPerSecond: rounded(reply.decodeMs > 0 ? ((reply.tokens.length - 1) * 1000) / reply.decodeMs : 0),
    promptTokens: prompt.tokens.length,
    newTokens: reply.tokens.length,
    passes: reply.passes,
    tokensPerPass: rounded(reply.passes > 0 ? reply.tokens.length / reply.passes : 0),
    ...engine.memory,
    adapter: gpu.name,
    precision: engine.precision,
    reason: reply.reason,
  };
}

function speculationOf({ stats }: Speculator) {
  return { ...stats, draftMs: rounded(stats.draftMs), verifyMs: rounded(stats.verifyMs) };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
