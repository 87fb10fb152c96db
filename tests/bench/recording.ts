// What the acceptance bench reads: replies of a model, and its logits along them.
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { FolderSource } from "../../src/cli/folder_source";
import { Engine, type EngineOptions } from "../../src/engine/engine";
import { samplingDefaults } from "../../src/engine/sampling_defaults";
import { openTables, type Tables } from "../../src/engine/speculation";
import type { Gpu } from "../../src/gpu/device";
import type { SamplingParams } from "../../src/kernels/sample";
import { loadTemplate } from "../../src/text/template";
import { loadTokenizer } from "../../src/text/tokenizer";
import { openCheckpoint } from "../../src/weights/checkpoint";
import type { Checkpoint } from "../../src/weights/source";
import { reply } from "../setup/models";
import { unpacked } from "../setup/unpacked";

const ROWS = 64; // a pass

export interface Subject {
  readonly name: string;
  readonly engine: Engine;
  readonly draft: Draft;
  readonly tables: Tables;
  readonly prompts: readonly (readonly number[])[];
  readonly sampling: Omit<SamplingParams, "seed">; // as the model's makers advise
}

/** A model that drafts. */
export interface Draft {
  readonly name: string;
  readonly engine: Engine;
  readonly isSmaller: boolean; // or only a stand-in, the model itself with fewer bits
}

/** A reply, and what the models thought at each of its places. */
export interface Recording {
  readonly sampling: SamplingParams;
  readonly prompt: readonly number[];
  readonly tokens: readonly number[]; // the reply
  readonly logits: readonly Float32Array[]; // [tokens]: what each was drawn from, before penalties, temperature and filters
  readonly draftLogits: readonly Float32Array[]; // the drafting model's
}

export async function openSubject(
  gpu: Gpu,
  {
    model,
    prompts,
    count,
    draft,
  }: { readonly model: string; readonly prompts: string; readonly count: number; readonly draft?: string | undefined },
): Promise<Subject> {
  const load = (checkpoint: Checkpoint, options: EngineOptions = {}) =>
    Engine.load(gpu, checkpoint, { maxRows: ROWS, maxHeadRows: ROWS, contextLength: 512, ...options });
  const open = (folder: string) => openCheckpoint(new FolderSource(folder));
  const checkpoint = await open(model);
  const tokenizer = await loadTokenizer(checkpoint.source);
  const template = await loadTemplate(checkpoint.source, tokenizer);
  const messages = await messagesOf(prompts, count);
  return {
    name: checkpoint.packed?.name ?? basename(model),
    engine: await load(checkpoint),
    draft:
      draft === undefined
        ? { name: "itself in W4A8", engine: await load(await unpacked(checkpoint), { precision: "w4a8" }), isSmaller: false }
        : { name: "draft model", engine: await load(await open(draft)), isSmaller: true },
    tables: await openTables(checkpoint.source, tokenizer),
    prompts: messages.map((content) => {
      const rendered = template.render([{ role: "user", content: tokenizer.quote(content) }], { addGenerationPrompt: true });
      return tokenizer.encodeRendered(rendered);
    }),
    sampling: samplingDefaults(checkpoint.generationConfig),
  };
}

/** The first turns of questions spread evenly over the file, among those that are short. */
async function messagesOf(file: string, count: number): Promise<readonly string[]> {
  const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
  const short = lines
    .map((line) => (JSON.parse(line) as { readonly turns: readonly string[] }).turns[0]!)
    .filter(({ length }) => length < 150);
  return Array.from({ length: count }, (_, i) => short[Math.floor((i * short.length) / count)]!);
}

/** A reply to each prompt at each temperature. */
export async function record(subject: Subject, temperatures: readonly number[], maxTokens: number): Promise<readonly Recording[]> {
  const { engine, draft, prompts } = subject;
  const recordings: Recording[] = [];
  for (const temperature of temperatures) {
    for (const [index, prompt] of prompts.entries()) {
      const sampling = { ...subject.sampling, temperature, seed: BigInt(index + 1) };
      const { tokens } = await reply(engine, prompt, { sampling, maxTokens });
      const logits = await along(engine, prompt, tokens);
      recordings.push({ sampling, prompt, tokens, logits, draftLogits: await along(draft.engine, prompt, tokens) });
      console.log(`recorded reply ${index + 1} of ${prompts.length} at temperature ${temperature}`);
    }
  }
  return recordings;
}

async function along(engine: Engine, prompt: readonly number[], tokens: readonly number[]): Promise<readonly Float32Array[]> {
  const { vocabularySize } = engine.shape;
  const rows: Float32Array[] = [];
  let position = 1; // of the token that the row is for
  for await (const pass of engine.logits([...prompt, ...tokens.slice(0, -1)])) {
    for (let from = 0; from < pass.length; from += vocabularySize, position++) {
      if (position >= prompt.length) rows.push(pass.slice(from, from + vocabularySize));
    }
  }
  return rows;
}
