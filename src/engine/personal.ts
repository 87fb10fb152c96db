// What the loaded model has said on this device: learnt from each reply, drafted from, shown and erased. Every tab has a copy in memory, but what
// is kept is the truth: it is read again before each use and learnt upon, so that tabs add to each other and what one erases is gone in all.
import { ContextDrafter } from "../speculate/context_drafter";
import type { Vocabulary } from "../speculate/fingerprint";
import { PersonalTable } from "../speculate/personal";
import type { Tokenizer } from "../text/tokenizer";

/** Keeps tables by a model's id. */
export interface PersonalTables {
  get(id: string): Promise<ArrayBuffer | undefined>;
  /** Keeps what `change` makes of what is kept, with nobody else in between. */
  update(id: string, change: (kept: ArrayBuffer | undefined) => ArrayBuffer): Promise<void>;
}

/** A thing that was learnt, as text. */
export interface LearntPiece {
  readonly context: string;
  readonly next: string;
  readonly count: number;
}

export class Personal {
  readonly drafter: ContextDrafter;
  readonly #tables: PersonalTables;
  readonly #id: string;
  readonly #vocabulary: Vocabulary;
  #table: PersonalTable;
  #kept: Uint32Array | null = null; // what `#table` was read from or written as

  private constructor(tables: PersonalTables, id: string, vocabulary: Vocabulary) {
    this.#tables = tables;
    this.#id = id;
    this.#vocabulary = vocabulary;
    this.#table = new PersonalTable(vocabulary);
    const { longestContext } = this.#table;
    this.drafter = new ContextDrafter("personal", { longestContext, candidates: (context) => this.#table.candidates(context) });
  }

  /** What was kept of this model; nothing where that cannot be read, or belongs to another tokenizer. */
  static async open(tables: PersonalTables, id: string, vocabulary: Vocabulary): Promise<Personal> {
    const personal = new Personal(tables, id, vocabulary);
    await personal.refresh();
    return personal;
  }

  /** Takes over what other tabs have learnt or erased. Where that cannot be read, nothing is known any more. */
  async refresh(): Promise<void> {
    this.#adopt(await this.#tables.get(this.#id).catch(() => undefined));
  }

  /** Learns the tokens of a reply, which begin at `from`, and keeps that. A store that fails costs only what was learnt. */
  async learn(text: readonly number[], from: number): Promise<void> {
    const change = (kept: ArrayBuffer | undefined) => {
      this.#adopt(kept);
      this.#table.learn(text, from);
      const bytes = this.#table.serialize();
      this.#kept = new Uint32Array(bytes);
      return bytes;
    };
    await this.#tables.update(this.#id, change).catch(() => {});
  }

  /** The most frequent things learnt, and how many contexts and kept bytes there are in all, as of the last `refresh` or `learn`. */
  show(
    tokenizer: Tokenizer,
    most: number,
  ): { readonly bytes: number; readonly contexts: number; readonly entries: readonly LearntPiece[] } {
    const entries = this.#table.entries();
    const text = (tokens: readonly number[]) => tokenizer.decode(tokens, { skipSpecial: false });
    return {
      bytes: entries.length === 0 ? 0 : (this.#kept?.byteLength ?? 0),
      contexts: new Set(entries.map(({ context }) => context.join(" "))).size,
      entries: entries.slice(0, most).map(({ context, token, count }) => ({ context: text(context), next: text([token]), count })),
    };
  }

  /** Makes the table what these bytes say. Most often they are those that it was last written as, and nothing is to be done. */
  #adopt(kept: ArrayBuffer | undefined): void {
    const words = kept && kept.byteLength % 4 === 0 ? new Uint32Array(kept) : null;
    if (words && this.#kept?.length === words.length && this.#kept.every((word, at) => word === words[at])) return;
    this.#kept = words;
    try {
      this.#table = kept ? PersonalTable.parse(kept, this.#vocabulary) : new PersonalTable(this.#vocabulary);
    } catch {
      this.#table = new PersonalTable(this.#vocabulary); // learning begins anew, and what cannot be read is overwritten
    }
  }
}
