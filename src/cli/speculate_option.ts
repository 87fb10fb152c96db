import { AUTO, DRAFTERS, NGRAM_FILE, type SpeculationChoice, type Tables } from "../engine/speculation";
import { MOST_DRAFTS } from "../speculate/speculator";
import { bad } from "./options";

const DRAFT = "draft:";
const TREE = "tree:";

export const SPECULATE_HELP =
  `off, auto (as far as it pays; the default), or any of ${DRAFTERS.join(", ")}, draft:DIR (a smaller model with the same tokenizer) and tree:N, ` +
  "joined by commas, with N drafts a round (7 where none is given) whether it pays or not; auto,draft:DIR goes too";

/** Why nothing is speculated on some devices. */
export const NOT_EXACT = "This GPU rounds a token's numbers differently beside others, so nothing is drafted.";

/** What to tell whoever asked for a drafter that the model has no file for; null where nothing is amiss. */
export function missingTable({ drafters, fixedDrafts }: SpeculationChoice, { ngrams }: Tables): string | null {
  if (fixedDrafts === undefined || ngrams !== null || !drafters.includes("ngram")) return null;
  return `There is no ${NGRAM_FILE} beside this model, so nothing is drafted from one; \`gyre ngram\` makes it.`;
}

const USUAL_DRAFTS = 7; // with the root a pass of eight rows

/** Null is off. Several are joined by commas: "suffix,tree:15", "auto,draft:DIR". Throws EngineError "bad-request". */
export function speculateOption(text: string | undefined): SpeculationChoice | null {
  if (text === undefined) return AUTO;
  if (text === "off") return null;
  const parts = text.split(",").map((part) => part.trim());
  const [folder, ...otherFolders] = valuesOf(parts, DRAFT);
  const [tree, ...otherTrees] = valuesOf(parts, TREE);
  const names = parts.filter((part) => !part.startsWith(DRAFT) && !part.startsWith(TREE));
  const drafters = DRAFTERS.filter((name) => names.includes(name));
  const isAuto = names.length === 1 && names[0] === "auto" && tree === undefined;
  const fixedDrafts = tree === undefined ? USUAL_DRAFTS : Number(tree);
  const isSound = (isAuto || drafters.length === names.length) && otherTrees.length + otherFolders.length === 0 && folder !== "";
  if (!isSound || !Number.isInteger(fixedDrafts) || fixedDrafts < 1 || fixedDrafts > MOST_DRAFTS) {
    const known = `${DRAFTERS.join(", ")}, draft:DIR and tree:1 to tree:${MOST_DRAFTS}`;
    throw bad(
      `--speculate takes off, auto, auto,draft:DIR, or any of ${known}, each once and joined by commas, not ${JSON.stringify(text)}.`,
    );
  }
  const draftModel = folder === undefined ? {} : { draftModel: folder };
  if (isAuto) return { ...AUTO, ...draftModel };
  return { drafters: names.length > 0 || folder !== undefined ? drafters : DRAFTERS, ...draftModel, fixedDrafts };
}

function valuesOf(parts: readonly string[], prefix: string): readonly string[] {
  return parts.filter((part) => part.startsWith(prefix)).map((part) => part.slice(prefix.length));
}
