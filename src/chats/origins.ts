// Where a reply's text came from, kept as runs: most neighbours share their origin, and a run costs a few bytes where a token's own would cost as many.
import type { DrafterName, TokenOrigin } from "../protocol/messages";
import type { OriginRun } from "./schema";

export const DRAFTERS = ["suffix", "ngram", "personal", "draft"] as const satisfies readonly DrafterName[];
export const ORIGINS: readonly TokenOrigin[] = ["model", ...DRAFTERS];

/** The runs with `length` more UTF-16 units of this origin. */
export function addRun(runs: readonly OriginRun[], origin: TokenOrigin, length: number): readonly OriginRun[] {
  if (length === 0) return runs;
  const last = runs.at(-1);
  if (last?.[0] !== origin) return [...runs, [origin, length]];
  return [...runs.slice(0, -1), [origin, last[1] + length]];
}
