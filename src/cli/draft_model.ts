import { DRAFT_CANDIDATES, DraftModel } from "../engine/draft_model";
import type { Engine } from "../engine/engine";
import type { Gpu } from "../gpu/device";
import { openCheckpoint } from "../weights/checkpoint";
import type { Checkpoint, Source } from "../weights/source";
import { FolderSource } from "./folder_source";
import { withEngine } from "./open_engine";
import { bad } from "./options";
import type { Terminal } from "./terminal";

const TOKENIZER = "tokenizer.json";

/**
 * The model in this folder, which should draft for another one; before either is loaded, so that a mistake shows at once. Throws EngineError
 * "bad-request" where their tokenizers differ, "model-…" for what the files lack.
 */
export async function openDraft(folder: string | undefined, target: Checkpoint): Promise<Checkpoint | undefined> {
  if (folder === undefined) return undefined;
  const draft = await openCheckpoint(new FolderSource(folder));
  if (await haveSameTokenizer(target.source, draft.source)) return draft;
  throw bad(`${folder} has another tokenizer than the model it should draft for.`);
}

/** Runs `use` with a model that drafts for the engine's, or with none where there is none. Throws what Engine.load throws. */
export async function withDraftModel<T>(
  gpu: Gpu,
  draft: Checkpoint | undefined,
  engine: Engine,
  terminal: Terminal,
  use: (draftModel: DraftModel | undefined) => Promise<T>,
): Promise<T> {
  if (draft === undefined) return use(undefined);
  const options = {
    ...(!draft.packed && { precision: engine.precision }),
    contextLength: Math.min(engine.contextLength, Number(draft.config["max_position_embeddings"] ?? engine.contextLength)),
    maxHeadRows: 1,
    candidates: DRAFT_CANDIDATES,
  };
  return withEngine(gpu, draft, options, terminal, (drafting) => {
    if (drafting.shape.vocabularySize < engine.shape.vocabularySize) throw bad("The model that should draft has a smaller vocabulary.");
    return use(new DraftModel(drafting));
  });
}

/** Models without tokenizers, which tests and tools use, are told apart by their vocabularies alone. */
async function haveSameTokenizer(one: Source, other: Source): Promise<boolean> {
  const [first, second] = await Promise.all([one, other].map(async (source) => ((await source.has(TOKENIZER)) ? textOf(source) : null)));
  return first === second;
}

async function textOf(source: Source): Promise<string> {
  return new TextDecoder().decode(await source.read(TOKENIZER, 0, await source.size(TOKENIZER)));
}
