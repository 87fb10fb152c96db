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
 * Runs `use` with a model that drafts for `checkpoint`'s, or with none where no folder is given. Throws EngineError "bad-request" where
 * their tokenizers differ.
 */
export async function withDraftModel<T>(
  gpu: Gpu,
  folder: string | undefined,
  target: { readonly checkpoint: Checkpoint; readonly engine: Engine },
  terminal: Terminal,
  use: (draftModel: DraftModel | undefined) => Promise<T>,
): Promise<T> {
  if (folder === undefined) return use(undefined);
  const { checkpoint, engine } = target;
  const draft = await openCheckpoint(new FolderSource(folder));
  if (!(await haveSameTokenizer(checkpoint.source, draft.source))) {
    throw bad(`${folder} has another tokenizer than the model it should draft for.`);
  }
  const options = {
    ...(!draft.packed && { precision: engine.precision }),
    contextLength: Math.min(engine.contextLength, Number(draft.config["max_position_embeddings"] ?? engine.contextLength)),
    maxHeadRows: 1,
    candidates: DRAFT_CANDIDATES,
  };
  return withEngine(gpu, draft, options, terminal, (drafting) => {
    if (drafting.shape.vocabularySize < engine.shape.vocabularySize) throw bad(`${folder} has a smaller vocabulary than the model.`);
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
