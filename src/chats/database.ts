// Conversations in IndexedDB. Every method is one transaction, and resolves when that transaction is on disk.
import { type IDBPDatabase, type IDBPTransaction, openDB } from "idb";
import { EngineError } from "../protocol/errors";
import { type ChatSchema, type Conversation, DATABASE, type Message, SCHEMA_VERSION, type Settings } from "./schema";

/** A conversation with all its messages, in order. */
export interface Transcript {
  readonly conversation: Conversation;
  readonly messages: readonly Message[];
}

type AllStores = IDBPTransaction<ChatSchema, ("conversations" | "messages" | "settings")[], "readwrite">;

const inOrder = (conversation: string) => IDBKeyRange.bound([conversation, -Infinity], [conversation, Infinity]);

export class ChatDatabase {
  readonly #db: IDBPDatabase<ChatSchema>;

  private constructor(db: IDBPDatabase<ChatSchema>) {
    this.#db = db;
  }

  /** `onClosed` is called when the connection ends by itself: a newer version of the app in another tab, or cleared site data. */
  static async open(onClosed: () => void = () => {}): Promise<ChatDatabase> {
    try {
      const db = await openDB<ChatSchema>(DATABASE, SCHEMA_VERSION, {
        upgrade(database) {
          database.createObjectStore("conversations", { keyPath: "id" }).createIndex("updated", "updated");
          database.createObjectStore("messages", { keyPath: "id" }).createIndex("place", ["conversation", "position"]);
          database.createObjectStore("settings");
        },
        blocking(_current, _blocked, event) {
          (event.target as IDBDatabase).close();
          onClosed();
        },
        terminated: onClosed,
      });
      return new ChatDatabase(db);
    } catch (thrown) {
      throw storageError(thrown);
    }
  }

  close(): void {
    this.#db.close();
  }

  /** All conversations, the one written to last first. */
  async list(): Promise<Conversation[]> {
    return (await this.#db.getAllFromIndex("conversations", "updated")).reverse();
  }

  messages(conversation: string): Promise<Message[]> {
    return this.#db.getAllFromIndex("messages", "place", inOrder(conversation));
  }

  /** Writes a conversation that is new, or that a deletion is taken back for, with all its messages. */
  async put({ conversation, messages }: Transcript): Promise<void> {
    await this.#write((tx) => [
      tx.objectStore("conversations").put(conversation),
      ...messages.map((message) => tx.objectStore("messages").put(message)),
    ]);
  }

  /** Adds a message after the last one, wherever another tab has got to. Null if the conversation has been deleted meanwhile. */
  async append(message: Message): Promise<Message | null> {
    const tx = this.#db.transaction(["conversations", "messages"], "readwrite");
    return this.#finish(tx.done, async () => {
      const conversation = await tx.objectStore("conversations").get(message.conversation);
      if (conversation === undefined) return null;
      const last = await tx.objectStore("messages").index("place").openCursor(inOrder(message.conversation), "prev");
      const placed = { ...message, position: (last?.value.position ?? -1) + 1 };
      await tx.objectStore("messages").put(placed);
      await tx.objectStore("conversations").put({ ...conversation, updated: Math.max(conversation.updated, message.created) });
      return placed;
    });
  }

  /** Replaces a message that is still there; one that was deleted meanwhile stays deleted. */
  async replace(message: Message): Promise<void> {
    const tx = this.#db.transaction("messages", "readwrite");
    await this.#finish(tx.done, async () => {
      if ((await tx.store.getKey(message.id)) !== undefined) await tx.store.put(message);
    });
  }

  async removeMessages(ids: readonly string[]): Promise<void> {
    await this.#write((tx) => ids.map((id) => tx.objectStore("messages").delete(id)));
  }

  async rename(id: string, title: string): Promise<void> {
    const tx = this.#db.transaction("conversations", "readwrite");
    await this.#finish(tx.done, async () => {
      const conversation = await tx.store.get(id);
      if (conversation !== undefined) await tx.store.put({ ...conversation, title });
    });
  }

  async remove(conversation: string): Promise<void> {
    const tx = this.#db.transaction(["conversations", "messages"], "readwrite");
    await this.#finish(tx.done, async () => {
      const keys = await tx.objectStore("messages").index("place").getAllKeys(inOrder(conversation));
      await Promise.all([
        tx.objectStore("conversations").delete(conversation),
        ...keys.map((key) => tx.objectStore("messages").delete(key)),
      ]);
    });
  }

  /** Everything, settings too. */
  async clear(): Promise<void> {
    await this.#write((tx) => [
      tx.objectStore("conversations").clear(),
      tx.objectStore("messages").clear(),
      tx.objectStore("settings").clear(),
    ]);
  }

  async settings(): Promise<Partial<Settings>> {
    return (await this.#db.get("settings", "settings")) ?? {};
  }

  async saveSettings(settings: Settings): Promise<void> {
    await this.#write((tx) => [tx.objectStore("settings").put(settings, "settings")]);
  }

  /** Ids of the conversations in whose messages the words stand, in any case. Reads all messages once: thousands take milliseconds. */
  async search(words: string): Promise<Set<string>> {
    const wanted = words.toLocaleLowerCase();
    const found = new Set<string>();
    let cursor = await this.#db.transaction("messages").store.openCursor();
    while (cursor !== null) {
      const { conversation, content } = cursor.value;
      if (!found.has(conversation) && content.toLocaleLowerCase().includes(wanted)) found.add(conversation);
      cursor = await cursor.continue();
    }
    return found;
  }

  async #write(requests: (tx: AllStores) => Promise<unknown>[]): Promise<void> {
    const tx = this.#db.transaction(["conversations", "messages", "settings"], "readwrite");
    await this.#finish(tx.done, () => Promise.all(requests(tx)));
  }

  /** A request may succeed and its transaction still fail at the end, on a full disk: both are waited for. */
  async #finish<T>(done: Promise<void>, work: () => Promise<T>): Promise<T> {
    try {
      const [result] = await Promise.all([work(), done]);
      return result;
    } catch (thrown) {
      throw storageError(thrown);
    }
  }
}

function storageError(thrown: unknown): EngineError {
  const detail = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  if (thrown instanceof DOMException && thrown.name === "QuotaExceededError")
    return new EngineError("storage-full", "There is no room left on this device to save the conversation.", detail);
  return new EngineError("storage-failed", "The browser could not save or read your conversations.", detail);
}
