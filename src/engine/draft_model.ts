// A smaller model with the same tokenizer as a drafter: it draws with the reply's own noise, filters and penalties, so that where its
// distribution is the larger model's, so is its token.
import type { AheadDrafter, Candidate } from "../speculate/drafter";
import type { Draws } from "../speculate/filters";
import type { Engine } from "./engine";
import { MOST_STEPS } from "./runner_parts";

/** Candidates that the engine of a draft model draws a row. */
export const DRAFT_CANDIDATES = 4;

type Drafting = Pick<Engine, "contextLength" | "tuning" | "beginDrafts" | "unread" | "draft">;

export class DraftModel implements AheadDrafter {
  readonly name = "draft";
  readonly isRanked = true;
  readonly claim = 0.7; // until it is known how often it is right
  readonly #engine: Drafting;
  #text: number[] = [];
  #fresh: number[] = []; // the end of the text that the engine has not counted yet
  #chain: readonly (readonly number[])[] = []; // candidates by depth, behind the text and the best of each depth before

  /** The engine is this drafter's alone, loaded with DRAFT_CANDIDATES. */
  constructor(engine: Drafting) {
    this.#engine = engine;
  }

  get stepMs(): number | null {
    return this.#engine.tuning.costs.find(({ rows }) => rows === 1)?.ms ?? null;
  }

  reset(prompt: readonly number[], draws: Draws): void {
    this.#text = [...prompt];
    this.#fresh = [];
    this.#chain = [];
    this.#engine.beginDrafts(prompt, draws);
  }

  append(tokens: readonly number[]): void {
    this.#text.push(...tokens);
    this.#fresh.push(...tokens);
    this.#chain = [];
  }

  get backlog(): number {
    return this.#engine.unread(this.#text);
  }

  async ahead(steps: number): Promise<void> {
    const room = this.#engine.contextLength - this.#text.length;
    const count = Math.min(steps, MOST_STEPS, room);
    this.#chain = [];
    if (count < 1) return;
    this.#chain = await this.#engine.draft([...this.#text], this.#fresh, count);
    this.#fresh = [];
  }

  propose(path: readonly number[]): readonly Candidate[] {
    const isOnChain = path.every((token, depth) => this.#chain[depth]?.[0] === token);
    const candidates = isOnChain ? (this.#chain[path.length] ?? []) : [];
    return candidates.map((token, rank) => ({ token, probability: this.claim / 2 ** rank }));
  }
}
