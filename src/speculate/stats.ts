import type { Walk } from "./accept";
import type { DrafterName } from "./drafter";
import type { TokenTree } from "./tree";

export interface Tally {
  proposed: number; // drafts in verified trees
  accepted: number; // of these, those that were kept
}

/** What speculation did for a reply. */
export interface SpeculationStats {
  readonly rounds: number; // passes that verified a tree
  readonly proposed: number;
  readonly accepted: number;
  readonly roundTokens: number; // tokens of the reply that these passes gave, the model's own among them
  readonly byDrafter: Readonly<Partial<Record<DrafterName, Tally>>>; // a draft of several drafters counts for each of them
  readonly byDepth: readonly Tally[]; // [depth - 1]
  readonly draftMs: number;
  readonly verifyMs: number;
}

interface Round {
  readonly tree: TokenTree;
  readonly walk: Walk;
}

export class SpeculationTally {
  readonly #byDrafter: Partial<Record<DrafterName, Tally>> = {};
  readonly #byDepth: Tally[] = [];
  #rounds = 0;
  #proposed = 0;
  #accepted = 0;
  #roundTokens = 0;
  #draftMs = 0;
  #verifyMs = 0;
  #last: Round | null = null;

  drafted(ms: number): void {
    this.#draftMs += ms;
  }

  verified(tree: TokenTree, walk: Walk, ms: number): void {
    this.#verifyMs += ms;
    this.#last = { tree, walk };
    this.#count(this.#last, 1);
  }

  /** Of the last round only so many tokens are in the reply, which ended there. Returns how many are not. */
  cut(given: number): number {
    if (!this.#last) return 0;
    const { tree, walk } = this.#last;
    this.#count(this.#last, -1);
    this.#last = { tree, walk: { rows: walk.rows.slice(0, given + 1), tokens: walk.tokens.slice(0, given) } };
    this.#count(this.#last, 1);
    return walk.tokens.length - this.#last.walk.tokens.length;
  }

  get stats(): SpeculationStats {
    return {
      rounds: this.#rounds,
      proposed: this.#proposed,
      accepted: this.#accepted,
      roundTokens: this.#roundTokens,
      byDrafter: structuredClone(this.#byDrafter),
      byDepth: this.#byDepth.map((tally) => ({ ...tally })),
      draftMs: this.#draftMs,
      verifyMs: this.#verifyMs,
    };
  }

  /** Adds a round, or takes it away again. */
  #count({ tree, walk: { rows, tokens } }: Round, sign: 1 | -1): void {
    this.#rounds += sign;
    this.#roundTokens += sign * tokens.length;
    const depths: number[] = [];
    tree.parents.forEach((parent, row) => {
      const depth = row === 0 ? 0 : (depths[parent] ?? 0) + 1;
      depths.push(depth);
      if (row === 0) return;
      const accepted = rows.includes(row) ? sign : 0;
      this.#proposed += sign;
      this.#accepted += accepted;
      const atDepth = (this.#byDepth[depth - 1] ??= { proposed: 0, accepted: 0 });
      for (const tally of [atDepth, ...this.#tallies(tree, row)]) {
        tally.proposed += sign;
        tally.accepted += accepted;
      }
    });
  }

  #tallies(tree: TokenTree, row: number): Tally[] {
    const names = new Set(tree.sources[row]?.map(({ drafter }) => drafter));
    return Array.from(names, (name) => (this.#byDrafter[name] ??= { proposed: 0, accepted: 0 }));
  }
}
