// Speculation over a reply: asks the drafters, decides with the controller how much to verify, and learns from what came of it. It never
// touches the GPU: the engine runs the passes.
import type { Walk } from "./accept";
import { AheadCosts } from "./ahead_costs";
import { Controller } from "./controller";
import { Costs, type RowCost, withoutPause } from "./costs";
import type { AheadDrafter, Drafter, DrafterName } from "./drafter";
import { Acceptance } from "./estimate";
import { type Draws, inPrompt } from "./filters";
import { type SpeculationStats, SpeculationTally } from "./stats";
import { type Draft, growTree, type TokenTree, treeOf } from "./tree";

export const MOST_DRAFTS = 15; // with the root, sixteen rows of a pass

export interface SpeculatorOptions {
  readonly costs?: readonly RowCost[]; // of this device, where they were measured
  /** So many drafts a round whenever there are that many, whether it pays or not. Default: as many as pay, or none. */
  readonly fixedDrafts?: number;
  readonly submitMs?: number; // that a submit, and so a round's pass, may take; default: any time
  /** One more drafter, which must work before it can propose: asked only where that promises to pay. */
  readonly ahead?: AheadDrafter;
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
  readonly #ahead: AheadDrafter | null;
  readonly #aheadCosts: AheadCosts;
  readonly #fixedDrafts: number | null;
  readonly #now: () => number;
  #tally = new SpeculationTally();
  #draws: Draws | null = null;
  #counts = new Map<number, number>();
  #silent: ReadonlySet<DrafterName> = new Set();
  #first: readonly Draft[] = []; // drafts of the token that comes next, to learn from it even where it is drawn plainly
  #since = 0; // when the last token or round was done
  #draftMs = 0; // of the last tree

  constructor(drafters: readonly Drafter[], options: SpeculatorOptions = {}) {
    this.#ahead = options.ahead ?? null;
    this.#aheadCosts = new AheadCosts(this.#ahead?.stepMs ?? null);
    this.#drafters = this.#ahead ? [...drafters, this.#ahead] : drafters;
    this.#costs = new Costs(options.costs);
    this.#controller = new Controller(this.#costs, options.submitMs);
    this.#fixedDrafts = options.fixedDrafts ?? null;
    this.#now = options.now ?? (() => performance.now());
  }

  get stats(): SpeculationStats {
    return this.#tally.stats;
  }

  /** These drafters hear everything, but are not asked. */
  silence(drafters: readonly DrafterName[]): void {
    this.#silent = new Set(drafters);
  }

  /** Begins a reply to these tokens. */
  begin(prompt: readonly number[], draws: Draws): void {
    this.#draws = draws;
    this.#counts = new Map(prompt.map((token) => [token, inPrompt]));
    this.#tally = new SpeculationTally();
    this.#controller.begin();
    this.#first = [];
    for (const drafter of this.#drafters) drafter.reset(prompt, draws);
  }

  /** The first token was drawn, with the prompt's last part; from here on tokens are timed. */
  sawFirst(token: number): void {
    this.#since = this.#now();
    this.#learn(token);
  }

  /** A token was drawn plainly. `isPaced` says that its pass ran while the one before it was read, as in a run of plain decoding. */
  sawPlain(token: number, isPaced: boolean): void {
    const ms = this.#elapsed();
    if (isPaced) this.#costs.sawPlain(ms);
    this.#controller.sawPlain(ms, isPaced);
    if (this.#ahead) this.#acceptance.fade(this.#ahead.name);
    this.#learn(token);
  }

  /** Whether a round would pay if it began here; asked while the GPU is busy with the next token. */
  pays(reach: Reach): boolean {
    return this.#steps(reach) > 0 || this.#worthwhile(reach).length > 0;
  }

  /** What to verify behind the root, or null where plain decoding is better. */
  async draft(root: number, reach: Reach): Promise<TokenTree | null> {
    const steps = this.#steps(reach);
    if (steps > 0) await this.#goAhead(steps);
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
    this.#controller.sawRound(tree.tokens.length, walk.tokens.length, ms);
    this.#costs.sawRound(tree.tokens.length, Math.max(0, ms - this.#draftMs)); // drafting is told apart when a round is weighed
    this.#tally.verified(tree, walk, Math.max(0, ms - this.#draftMs));
    this.#first = [];
    this.#append(walk.tokens);
  }

  /** The reply ended in the middle of the last round, behind so many of its tokens: what was cut off is no gain. */
  cut(given: number): void {
    this.#controller.cut(this.#tally.cut(given));
  }

  /** How far the drafter that must work beforehand should go. */
  #steps({ maxDepth, maxDrafts }: Reach): number {
    const ahead = this.#ahead;
    if (!ahead || this.#silent.has(ahead.name)) return 0;
    const most = Math.max(0, Math.min(maxDepth, maxDrafts, this.#fixedDrafts ?? MOST_DRAFTS));
    if (this.#fixedDrafts !== null) return most;
    if (most === 0) return 0;
    const chance = this.#acceptance.chance({ drafter: ahead.name, rank: 0, probability: ahead.claim });
    const { backlog } = ahead; // once, as it compares texts
    return this.#controller.steps(most, chance, (steps, plainMs) => this.#aheadCosts.ms(steps, backlog, plainMs));
  }

  async #goAhead(steps: number): Promise<void> {
    const ahead = this.#ahead;
    if (!ahead) return;
    const { backlog } = ahead;
    const begin = this.#now();
    await ahead.ahead(steps);
    const ms = this.#now() - begin;
    this.#since += ms; // what follows is timed without it
    this.#aheadCosts.saw(steps, backlog, ms);
    this.#controller.spent(withoutPause(ms, this.#aheadCosts.ms(steps, backlog, this.#costs.plainMs ?? ms)));
    this.#tally.drafted(ms);
  }

  #worthwhile({ position, maxDepth, maxDrafts }: Reach): readonly Draft[] {
    if (!this.#draws) return [];
    const begin = this.#now();
    const asked = this.#drafters.filter(({ name }) => !this.#silent.has(name));
    const drafts = growTree(asked, {
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

  /** A token that no round gave shows which drafts would have been right. */
  #learn(token: number): void {
    for (const { token: draft, sources } of this.#first) {
      for (const source of sources) this.#acceptance.observe(source, draft === token);
    }
    this.#first = [];
    this.#append([token]);
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
