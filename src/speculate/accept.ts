import type { DrafterName } from "./drafter";
import type { TokenTree } from "./tree";

/** What verification leaves of a tree. */
export interface Walk {
  readonly rows: readonly number[]; // from the root down, those whose tokens the model drew itself
  readonly tokens: readonly number[]; // what it drew at each of these rows; the last one is no draft, but the model's own
}

/**
 * Walks down from the root as long as a child is what the model drew there. Nothing else decides: no rejection test, and no draw from what is
 * left over, so that the tokens are those of plain decoding whoever drafted. `sampled` is the model's draw at each row. Source: Daliri, Musco
 * and Suresh, "Coupling without communication and drafter-invariant speculative decoding" (2024).
 */
export function walk({ tokens, parents }: Pick<TokenTree, "tokens" | "parents">, sampled: ArrayLike<number>): Walk {
  const rows: number[] = [];
  const drawn: number[] = [];
  for (let row = 0; row >= 0; ) {
    const token = sampled[row] ?? 0;
    rows.push(row);
    drawn.push(token);
    const parent = row;
    row = tokens.findIndex((draft, i) => i > 0 && parents[i] === parent && draft === token);
  }
  return { rows, tokens: drawn };
}

/** Who proposed a token, or "model" for what the model drew without that. */
export type Origin = DrafterName | "model";

/** Where each token of a walk comes from; of several drafters the most trusted one. */
export function originsOf({ sources }: TokenTree, { rows, tokens }: Walk): readonly Origin[] {
  return tokens.map((_, i) => sources[rows[i + 1] ?? -1]?.[0]?.drafter ?? "model");
}
