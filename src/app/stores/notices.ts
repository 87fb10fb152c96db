// Short messages at the edge of the page, such as "Deleted. Undo".
import { Value } from "../../chats/observable";
import { EngineError } from "../../protocol/errors";

export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly action: { readonly label: string; readonly run: () => void } | null;
}

export interface NoticeOptions {
  readonly action?: Notice["action"];
  readonly lastsMs?: number; // Infinity: until it is dismissed
}

export class NoticeStore {
  readonly list = new Value<readonly Notice[]>([]);
  #nextId = 1;

  /** Returns the id by which it can be dismissed before its time. */
  show(text: string, { action = null, lastsMs = 8000 }: NoticeOptions = {}): number {
    const id = this.#nextId++;
    this.list.update((list) => [...list, { id, text, action }]);
    if (Number.isFinite(lastsMs)) setTimeout(() => this.dismiss(id), lastsMs);
    return id;
  }

  /** For a `catch`: says what went wrong. */
  readonly failed = (thrown: unknown): void => {
    this.show(EngineError.from(thrown).message);
  };

  readonly dismiss = (id: number): void => this.list.update((list) => list.filter((notice) => notice.id !== id));
}
