// What a model's engine lacks to be talked to: its words, its way of taking turns, and those who guess ahead. A module of its own, so that it is
// fetched beside the weights and not before the page can be used.
import type { Engine } from "../engine/engine";
import { Personal } from "../engine/personal";
import { ChatSession } from "../engine/session";
import { makeSpeculator, openTables } from "../engine/speculation";
import { vocabularyOf } from "../engine/vocabulary";
import { endTokens } from "../text/end_tokens";
import { loadTemplate } from "../text/template";
import { loadTokenizer, type Tokenizer } from "../text/tokenizer";
import type { PersonalStore } from "../weights/personal_store";
import type { Checkpoint } from "../weights/source";

export interface Language {
  readonly tokenizer: Tokenizer;
  readonly personal: Personal;
  converse(engine: Engine): ChatSession;
}

/** Throws "model-missing", "model-damaged" or "model-unsupported", naming the file. */
export async function openLanguage({ config, generationConfig, source }: Checkpoint, id: string, learnt: PersonalStore): Promise<Language> {
  const tokenizer = await loadTokenizer(source);
  const template = await loadTemplate(source, tokenizer);
  const tables = await openTables(source, tokenizer);
  const personal = await Personal.open(learnt, id, await vocabularyOf(source, tokenizer));
  const ends = endTokens(config, generationConfig, tokenizer);
  return {
    tokenizer,
    personal,
    converse: (engine) =>
      new ChatSession(engine, tokenizer, template, ends, makeSpeculator(engine, { ...tables, personal: personal.drafter }), personal),
  };
}
