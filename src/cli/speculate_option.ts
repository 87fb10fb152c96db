import { AUTO, DRAFTERS, type SpeculationChoice } from "../engine/speculation";
import { MOST_DRAFTS } from "../speculate/speculator";
import { bad } from "./options";

export const SPECULATE_HELP = `off, auto (as far as it pays; the default), or ${DRAFTERS.join(", ")} and tree:N, with N drafts a round whether it pays or not`;

const USUAL_DRAFTS = 7; // with the root a pass of eight rows

/** Null is off. Several are joined by commas: suffix,tree:15. Throws EngineError "bad-request". */
export function speculateOption(text: string | undefined): SpeculationChoice | null {
  if (text === undefined || text === "auto") return AUTO;
  if (text === "off") return null;
  const parts = text.split(",");
  const trees = parts.filter((part) => part.startsWith("tree:"));
  const names = parts.filter((part) => !part.startsWith("tree:"));
  const drafters = DRAFTERS.filter((name) => names.includes(name));
  const fixedDrafts = trees[0] === undefined ? USUAL_DRAFTS : Number(trees[0].slice("tree:".length));
  const isSound = drafters.length === names.length && trees.length < 2 && Number.isInteger(fixedDrafts);
  if (!isSound || fixedDrafts < 1 || fixedDrafts > MOST_DRAFTS) {
    throw bad(`--speculate takes off, auto, ${DRAFTERS.join(", ")} or tree:1 to tree:${MOST_DRAFTS}, not ${JSON.stringify(text)}.`);
  }
  return { drafters: drafters.length > 0 ? drafters : DRAFTERS, fixedDrafts };
}
