// Speculation over a reply: asks the drafters, decides with the controller how much to verify, and learns from what came of it. It never
// touches the GPU: the engine runs the passes.
import type { Walk } from "./accept";
import { Controller } from "./controller";
import { Costs, type RowCost } from "./costs";
import type { Drafter } from "./drafter";
import { Acceptance } from "./estimate";
import { inPrompt } from "./filters";
import { type SpeculationStats, SpeculationTally } from "./stats";
import { type Draft, type Draws, growTree, type TokenTree, treeOf } from "./tree";

export const MOST_DRAFTS = 15; // with the root, sixteen rows of a pass

export interface SpeculatorOptions {
  readonly costs?: readonly RowCost[]; // of this device, where they were measured
  /** So many drafts a round whenever there are that many, whether it pays or not. Default: as many as pay, or none. */
  readonly fixedDrafts?: number;
  readonly now?: () => number; // ms
}

/** How far a round may reach. */
export interface Reach {
  readonly position: number; // of the root, the last token that is certain
  readonly maxDepth: number; // tokens behind it
  readonly maxDrafts: number;
}

export class Speculator {
  readonly #drafters: readonly Drafter[];
  readonly #acceptance = new Acceptance();
  readonly #costs: Costs;
  readonly #controller: Controller;
  readonly #fixedDrafts: number | null;
  readonly #now: () => number;
  #tally = new SpeculationTally();
  #draws: Draws | null = null;
  #counts = new Map<number, number>();
  #first: readonly Draft[] = []; // drafts of the token that comes next, to learn from it even where it is drawn plainly
  #since = 0; // when the last token or round was done
  #draftMs = 0; // of the last tree

  constructor(drafters: readonly Drafter[], options: SpeculatorOptions = {}) {
    this.#drafters = drafters;
    this.#costs = new Costs(options.costs);
    this.#controller = new Controller(this.#costs);
    this.#fixedDrafts = options.fixedDrafts ?? null;
    this.#now = options.now ?? (() => performance.now());
  }

  get stats(): SpeculationStats {
    return this.#tally.stats;
  }

  /** Begins a reply to these tokens. */
  begin(prompt: readonly number[], draws: Draws): void {
    this.#draws = draws;
    this.#counts = new Map(prompt.map((token) => [token, inPrompt]));
    this.#tally = new SpeculationTally();
    this.#controller.begin();
    this.#first = [];
    for (const drafter of this.#drafters) drafter.reset(prompt);
  }

  /** The first token was drawn, with the prompt's last part; from here on tokens are timed. */
  sawFirst(token: number): void {
    this.#since = this.#now();
    this.#append([token]);
  }

  /** A token was drawn plainly. `isPaced` says that its pass ran while the one before it was read, as in a run of plain decoding. */
  sawPlain(token: number, isPaced: boolean): void {
    const ms = this.#elapsed();
    if (isPaced) this.#costs.sawPlain(ms);
    this.#controller.sawPlain();
    for (const { token: draft, sources } of this.#first) {
      for (const source of sources) this.#acceptance.observe(source, draft === token);
    }
    this.#first = [];
    this.#append([token]);
  }

  /** Whether a round would pay if it began here; asked while the GPU is busy with the next token. */
  pays(reach: Reach): boolean {
    return this.#worthwhile(reach).length > 0;
  }

  /** What to verify behind the root, or null where plain decoding is better. */
  draft(root: number, reach: Reach): TokenTree | null {
    const drafts = this.#worthwhile(reach);
    return drafts.length > 0 ? treeOf(root, drafts) : null;
  }

  /** A tree was verified, and this is what was left of it. */
  sawRound(tree: TokenTree, walk: Walk): void {
    const ms = this.#elapsed();
    tree.parents.forEach((parent, row) => {
      if (row === 0 || !walk.rows.includes(parent)) return; // nobody knows what the model would have drawn there
      for (const source of tree.sources[row] ?? []) this.#acceptance.observe(source, walk.rows.includes(row));
    });
    this.#costs.sawRound(tree.tokens.length, ms);
    this.#controller.sawRound(walk.tokens.length, ms);
    this.#tally.verified(tree, walk, Math.max(0, ms - this.#draftMs));
    this.#first = [];
    this.#append(walk.tokens);
  }

  #worthwhile({ position, maxDepth, maxDrafts }: Reach): readonly Draft[] {
    if (!this.#draws) return [];
    const begin = this.#now();
    const drafts = growTree(this.#drafters, {
      position,
      draws: this.#draws,
      countOf: (token) => this.#counts.get(token) ?? 0,
      maxDrafts: Math.min(maxDrafts, this.#fixedDrafts ?? MOST_DRAFTS),
      maxDepth,
      chanceOf: (source) => this.#acceptance.chance(source),
    });
    this.#draftMs = this.#now() - begin;
    this.#tally.drafted(this.#draftMs);
    this.#first = drafts.filter(({ depth }) => depth === 1);
    return drafts.slice(0, this.#fixedDrafts ?? this.#controller.worth(drafts, this.#draftMs));
  }

  #append(tokens: readonly number[]): void {
    for (const token of tokens) this.#counts.set(token, (this.#counts.get(token) ?? 0) + 1);
    for (const drafter of this.#drafters) drafter.append(tokens);
  }

  #elapsed(): number {
    const now = this.#now();
    const ms = now - this.#since;
    this.#since = now;
    return ms;
  }
}
