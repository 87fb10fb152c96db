import { blend } from "./blend";
import type { Candidate, Drafter, DrafterName } from "./drafter";

/** What a table says behind contexts of a few tokens. */
export interface ContextTable {
  readonly longestContext: number; // tokens
  candidates(context: readonly number[]): readonly Candidate[]; // together at most 1; none for a context that it does not know
}

/** Proposes what a table says behind the longest context that it knows, and behind shorter ones with what is left. */
export class ContextDrafter implements Drafter {
  readonly name: DrafterName;
  readonly #table: ContextTable;
  #tail: readonly number[] = []; // the last tokens of the text

  constructor(name: DrafterName, table: ContextTable) {
    this.name = name;
    this.#table = table;
  }

  reset(tokens: readonly number[]): void {
    this.#tail = tokens.slice(-this.#table.longestContext);
  }

  append(tokens: readonly number[]): void {
    this.#tail = [...this.#tail, ...tokens].slice(-this.#table.longestContext);
  }

  propose(path: readonly number[]): readonly Candidate[] {
    return blend(this.#known([...this.#tail, ...path].slice(-this.#table.longestContext)));
  }

  *#known(tokens: readonly number[]): Generator<readonly Candidate[]> {
    for (let from = 0; from < tokens.length; from++) yield this.#table.candidates(tokens.slice(from));
  }
}
