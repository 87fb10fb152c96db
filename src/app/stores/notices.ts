// Short messages at the edge of the page, such as "Deleted. Undo".
import { Value } from "../../chats/observable";

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

  show(text: string, { action = null, lastsMs = 8000 }: NoticeOptions = {}): void {
    const id = this.#nextId++;
    this.list.update((list) => [...list, { id, text, action }]);
    if (Number.isFinite(lastsMs)) setTimeout(() => this.dismiss(id), lastsMs);
  }

  readonly dismiss = (id: number): void => this.list.update((list) => list.filter((notice) => notice.id !== id));
}
