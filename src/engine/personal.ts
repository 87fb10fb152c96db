// What the loaded model has said on this device: learnt from each reply, drafted from, shown and erased.
import { ContextDrafter } from "../speculate/context_drafter";
import type { Vocabulary } from "../speculate/fingerprint";
import { PersonalTable } from "../speculate/personal";
import type { Tokenizer } from "../text/tokenizer";

/** Keeps tables by a model's id. */
export interface PersonalTables {
  get(id: string): Promise<ArrayBuffer | undefined>;
  put(id: string, table: ArrayBuffer): Promise<void>;
}

/** A thing that was learnt, as text. */
export interface LearntPiece {
  readonly context: string;
  readonly next: string;
  readonly count: number;
}

export class Personal {
  readonly drafter: ContextDrafter;
  readonly #table: PersonalTable;
  readonly #save: (table: ArrayBuffer) => Promise<void>;

  private constructor(table: PersonalTable, save: (table: ArrayBuffer) => Promise<void>) {
    this.#table = table;
    this.#save = save;
    this.drafter = new ContextDrafter("personal", table);
  }

  /** What was kept of this model; nothing where that cannot be read, or belongs to another tokenizer. */
  static async open(tables: PersonalTables, id: string, vocabulary: Vocabulary): Promise<Personal> {
    const save = (table: ArrayBuffer) => tables.put(id, table);
    try {
      const kept = await tables.get(id);
      if (kept) return new Personal(PersonalTable.parse(kept, vocabulary), save);
    } catch {
      // Learning begins anew, and what cannot be read is overwritten.
    }
    return new Personal(new PersonalTable(vocabulary), save);
  }

  /** Learns the tokens of a reply, which begin at `from`, and keeps that. A store that fails costs only what was learnt. */
  async learn(text: readonly number[], from: number): Promise<void> {
    this.#table.learn(text, from);
    await this.#save(this.#table.serialize()).catch(() => {});
  }

  /** The most frequent things learnt, and how many contexts and bytes there are in all. */
  show(
    tokenizer: Tokenizer,
    most: number,
  ): { readonly bytes: number; readonly contexts: number; readonly entries: readonly LearntPiece[] } {
    const entries = this.#table.entries();
    const text = (tokens: readonly number[]) => tokenizer.decode(tokens, { skipSpecial: false });
    return {
      bytes: entries.length === 0 ? 0 : this.#table.serialize().byteLength,
      contexts: new Set(entries.map(({ context }) => context.join(" "))).size,
      entries: entries.slice(0, most).map(({ context, token, count }) => ({ context: text(context), next: text([token]), count })),
    };
  }

  /** Forgets all of it here; the store is its owner's to clear. */
  erase(): void {
    this.#table.erase();
  }
}
