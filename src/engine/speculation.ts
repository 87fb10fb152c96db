// Which drafters a reply is speculated with.
import type { Drafter } from "../speculate/drafter";
import { Speculator } from "../speculate/speculator";
import { SuffixDrafter } from "../speculate/suffix";
import type { Engine } from "./engine";

/** Drafters that need nothing but the text. */
export const DRAFTERS = ["suffix"] as const;
export type DrafterChoice = (typeof DRAFTERS)[number];

export interface SpeculationChoice {
  readonly drafters: readonly DrafterChoice[];
  readonly fixedDrafts?: number; // a round, whether it pays or not; default: as many as pay
}

/** Whatever is at hand, as far as it pays. */
export const AUTO: SpeculationChoice = { drafters: DRAFTERS };

/** A speculator for one conversation with this engine. */
export function makeSpeculator({ tuning }: Pick<Engine, "tuning">, { drafters, fixedDrafts }: SpeculationChoice = AUTO): Speculator {
  return new Speculator(drafters.map(makeDrafter), { costs: tuning.costs, ...(fixedDrafts !== undefined && { fixedDrafts }) });
}

function makeDrafter(name: DrafterChoice): Drafter {
  switch (name) {
    case "suffix":
      return new SuffixDrafter();
    default:
      return name satisfies never;
  }
}
