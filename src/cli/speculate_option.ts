import { AUTO, DRAFTERS, type SpeculationChoice } from "../engine/speculation";
import { MOST_DRAFTS } from "../speculate/speculator";
import { bad } from "./options";

const DRAFT = "draft:";
const TREE = "tree:";

export const SPECULATE_HELP =
  `off, auto (as far as it pays; the default), or any of ${DRAFTERS.join(", ")}, draft:DIR (a smaller model with the same tokenizer) and tree:N, ` +
  "joined by commas, with N drafts a round whether it pays or not";

/** Why nothing is speculated on some devices. */
export const NOT_EXACT = "This GPU rounds a token's numbers differently beside others, so nothing is drafted.";

const USUAL_DRAFTS = 7; // with the root a pass of eight rows

/** Null is off. Several are joined by commas: "suffix,tree:15", "auto,draft:DIR". Throws EngineError "bad-request". */
export function speculateOption(text: string | undefined): SpeculationChoice | null {
  if (text === undefined) return AUTO;
  if (text === "off") return null;
  const parts = text.split(",");
  const [folder, ...otherFolders] = valuesOf(parts, DRAFT);
  const [tree, ...otherTrees] = valuesOf(parts, TREE);
  const names = parts.filter((part) => !part.startsWith(DRAFT) && !part.startsWith(TREE));
  const drafters = DRAFTERS.filter((name) => names.includes(name));
  const isAuto = names.length === 1 && names[0] === "auto" && tree === undefined;
  const fixedDrafts = tree === undefined ? USUAL_DRAFTS : Number(tree);
  const isSound = (isAuto || drafters.length === names.length) && otherTrees.length + otherFolders.length === 0 && folder !== "";
  if (!isSound || !Number.isInteger(fixedDrafts) || fixedDrafts < 1 || fixedDrafts > MOST_DRAFTS) {
    const known = `off, auto, ${DRAFTERS.join(", ")}, draft:DIR or tree:1 to tree:${MOST_DRAFTS}`;
    throw bad(`--speculate takes ${known}, not ${JSON.stringify(text)}.`);
  }
  const draftModel = folder === undefined ? {} : { draftModel: folder };
  if (isAuto) return { ...AUTO, ...draftModel };
  return { drafters: names.length > 0 || folder !== undefined ? drafters : DRAFTERS, ...draftModel, fixedDrafts };
}

function valuesOf(parts: readonly string[], prefix: string): readonly string[] {
  return parts.filter((part) => part.startsWith(prefix)).map((part) => part.slice(prefix.length));
}
