// Which drafters a reply is speculated with.
import { ContextDrafter } from "../speculate/context_drafter";
import type { Drafter } from "../speculate/drafter";
import { NgramTable } from "../speculate/ngram";
import { Speculator } from "../speculate/speculator";
import { SuffixDrafter } from "../speculate/suffix";
import type { Tokenizer } from "../text/tokenizer";
import type { Source } from "../weights/source";
import type { DraftModel } from "./draft_model";
import type { Engine } from "./engine";
import { vocabularyOf } from "./vocabulary";

/** A table of n-grams beside a model's weights, as `gyre ngram` makes it. */
export const NGRAM_FILE = "drafts.ngram";

export const DRAFTERS = ["suffix", "ngram"] as const;
export type DrafterChoice = (typeof DRAFTERS)[number];

export interface SpeculationChoice {
  readonly drafters: readonly DrafterChoice[]; // as far as the model has them
  readonly draftModel?: string; // the folder of a smaller model with the same tokenizer, which drafts too
  readonly fixedDrafts?: number; // a round, whether it pays or not; default: as many as pay
}

/** Whatever is at hand, as far as it pays. */
export const AUTO: SpeculationChoice = { drafters: DRAFTERS };

/** What drafts a model brings along. */
export interface Tables {
  readonly ngrams: NgramTable | null;
  readonly personal?: Drafter; // from replies on this device
  readonly draftModel?: DraftModel;
}

/** Reads the tables beside a model's weights. Throws EngineError "model-damaged" for one that is broken or another tokenizer's. */
export async function openTables(source: Source, tokenizer: Tokenizer): Promise<Tables> {
  if (!(await source.has(NGRAM_FILE))) return { ngrams: null };
  const bytes = await source.read(NGRAM_FILE, 0, await source.size(NGRAM_FILE));
  // Words are read where they lie, so they must begin where a word may.
  return { ngrams: new NgramTable(bytes.slice().buffer, await vocabularyOf(source, tokenizer)) };
}

/** A speculator for one conversation with this engine. */
export function makeSpeculator(
  { tuning, submitMs }: Pick<Engine, "tuning" | "submitMs">,
  tables: Tables,
  choice: SpeculationChoice = AUTO,
): Speculator {
  const { drafters, fixedDrafts } = choice;
  const named = drafters.map((name) => makeDrafter(name, tables)).filter((drafter) => drafter !== null);
  const chosen = tables.personal ? [...named, tables.personal] : named;
  const { draftModel: ahead } = tables;
  const { costs } = tuning;
  return new Speculator(chosen, { costs, submitMs, ...(ahead && { ahead }), ...(fixedDrafts !== undefined && { fixedDrafts }) });
}

function makeDrafter(name: DrafterChoice, { ngrams }: Tables): Drafter | null {
  switch (name) {
    case "suffix":
      return new SuffixDrafter();
    case "ngram":
      return ngrams && new ContextDrafter("ngram", ngrams);
    default:
      return name satisfies never;
  }
}
