// Conversations in memory, for React to show, written through to IndexedDB. Where that cannot be had they live as long as the tab.
import { EngineError } from "../protocol/errors";
import { ChatDatabase, type Transcript } from "./database";
import { newId } from "./ids";
import { type Observable, Value } from "./observable";
import { type Conversation, DEFAULT_SETTINGS, type Message, type NewMessage, type Settings } from "./schema";

/** Tells the other tabs which conversation changed; null where it was something else. A tab does not hear itself. */
export interface Channel {
  postMessage(changed: string | null): void;
  addEventListener(type: "message", listener: (event: MessageEvent<string | null>) => void): void;
}

export class ChatStore {
  readonly conversations = new Value<readonly Conversation[] | null>(null); // null: not read yet
  readonly settings = new Value<Settings>(DEFAULT_SETTINGS);
  readonly problem = new Value<EngineError | null>(null); // why conversations are not being saved
  readonly #messages = new Map<string, Value<readonly Message[] | null>>();
  readonly #channel: Channel | null;
  #db: ChatDatabase | null = null;
  #opening: Promise<void> | null = null; // what is written meanwhile waits for it, so that it is saved and not overwritten by what is read

  constructor(channel: Channel | null = null) {
    this.#channel = channel;
    channel?.addEventListener("message", ({ data }) => void this.#refresh(data));
  }

  /** Reads the list and the settings. Never rejects: without a database the store starts empty and says so in `problem`. */
  open(): Promise<void> {
    this.#opening = this.#open().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #open(): Promise<void> {
    try {
      const db = await ChatDatabase.open(() => {
        this.#db = null;
        this.problem.set(
          new EngineError("storage-failed", "Saving has stopped: Gyre was updated or cleared in another tab. Reload this page."),
        );
      });
      const [list, saved] = await Promise.all([db.list(), db.settings()]);
      this.#db = db;
      this.settings.set(merge(saved));
      this.conversations.set(list);
    } catch (thrown) {
      this.problem.set(EngineError.from(thrown));
      this.conversations.set([]);
    }
  }

  /** Forgets the connection, so that a test or a closing tab leaves nothing behind. */
  close(): void {
    this.#db?.close();
    this.#db = null;
  }

  /** The messages of one conversation; null until they are read. */
  messages(id: string): Observable<readonly Message[] | null> {
    return this.#value(id);
  }

  async create(title: string): Promise<Conversation> {
    await this.#opening;
    const created = Date.now();
    // Later than any other, so that two made within a millisecond keep their order when they are read again.
    const newest = Math.max(0, ...(this.conversations.get() ?? []).map(({ updated }) => updated));
    const conversation = { id: newId(), title, created, updated: Math.max(created, newest + 1) };
    this.#messages.set(conversation.id, new Value<readonly Message[] | null>([]));
    this.#list((list) => [conversation, ...list]);
    await this.#save(conversation.id, (db) => db.put({ conversation, messages: [] }));
    return conversation;
  }

  async append(conversation: string, message: NewMessage, id = newId()): Promise<Message> {
    const before = await this.transcript(conversation);
    const placed: Message = { ...message, id, conversation, position: (before.messages.at(-1)?.position ?? -1) + 1 };
    this.#value(conversation).update((messages) => [...(messages ?? []), placed]);
    this.#list((list) =>
      list
        .map((one) => (one.id === conversation ? { ...one, updated: Math.max(one.updated, placed.created) } : one))
        .sort((a, b) => b.updated - a.updated),
    );
    const stored = await this.#save(conversation, (db) => db.append(placed));
    if (stored !== undefined && stored !== null && stored.position !== placed.position) {
      await this.#refresh(conversation);
      return stored;
    }
    return placed;
  }

  /** Puts a changed message in the place of the one with its id. */
  async replace(message: Message): Promise<void> {
    this.#value(message.conversation).update((all) => all?.map((one) => (one.id === message.id ? message : one)) ?? null);
    await this.#save(message.conversation, (db) => db.replace(message));
  }

  /** Takes a message and all that follow it out of the conversation. */
  async truncate(conversation: string, from: Message): Promise<void> {
    const { messages } = await this.transcript(conversation);
    const gone = messages.filter((message) => message.position >= from.position);
    this.#value(conversation).set(messages.filter((message) => message.position < from.position));
    await this.#save(conversation, (db) => db.removeMessages(gone.map((message) => message.id)));
  }

  async rename(id: string, title: string): Promise<void> {
    this.#list((list) => list.map((one) => (one.id === id ? { ...one, title } : one)));
    await this.#save(id, (db) => db.rename(id, title));
  }

  /** Deletes a conversation and returns what `restore` needs to bring it back. */
  async remove(id: string): Promise<Transcript> {
    const transcript = await this.transcript(id);
    this.#list((list) => list.filter((one) => one.id !== id));
    this.#messages.delete(id);
    await this.#save(id, (db) => db.remove(id));
    return transcript;
  }

  /** Writes a whole conversation: one that was deleted, or one from a file. */
  async restore(transcript: Transcript): Promise<void> {
    await this.#opening;
    const { conversation, messages } = transcript;
    this.#value(conversation.id).set(messages);
    this.#list((list) => [conversation, ...list.filter((one) => one.id !== conversation.id)].sort((a, b) => b.updated - a.updated));
    await this.#save(conversation.id, (db) => db.put(transcript));
  }

  /** A conversation with its messages. Throws "bad-request" if there is none with this id. */
  async transcript(id: string): Promise<Transcript> {
    await this.#opening;
    const conversation = this.conversations.get()?.find((one) => one.id === id);
    if (conversation === undefined) throw new EngineError("bad-request", "This conversation has been deleted.");
    const known = this.#value(id).get();
    return { conversation, messages: known ?? (await this.#read(id)) };
  }

  async all(): Promise<Transcript[]> {
    return Promise.all((this.conversations.get() ?? []).map(({ id }) => this.transcript(id)));
  }

  /** Conversations whose title or messages hold the words; all of them for no words. */
  async search(words: string): Promise<readonly Conversation[]> {
    const list = this.conversations.get() ?? [];
    const wanted = words.trim().toLocaleLowerCase();
    if (wanted === "") return list;
    const found = (await this.#db?.search(wanted)) ?? new Set<string>();
    return list.filter((one) => found.has(one.id) || one.title.toLocaleLowerCase().includes(wanted));
  }

  async saveSettings(change: Partial<Settings>): Promise<void> {
    if (this.#opening !== null) await this.#opening; // Otherwise in the same turn: the fields in which settings are typed need that.
    const settings = { ...this.settings.get(), ...change };
    this.settings.set(settings);
    await this.#save(null, (db) => db.saveSettings(settings));
  }

  /** Deletes every conversation and every setting. */
  async clear(): Promise<void> {
    await this.#opening;
    this.conversations.set([]);
    for (const messages of this.#messages.values()) messages.set([]);
    this.settings.set(DEFAULT_SETTINGS);
    await this.#save(null, (db) => db.clear());
  }

  #value(id: string): Value<readonly Message[] | null> {
    let value = this.#messages.get(id);
    if (value === undefined) {
      value = new Value<readonly Message[] | null>(null);
      this.#messages.set(id, value);
      void this.#read(id);
    }
    return value;
  }

  async #read(id: string): Promise<readonly Message[]> {
    await this.#opening;
    let messages: readonly Message[] = [];
    try {
      messages = (await this.#db?.messages(id)) ?? [];
    } catch (thrown) {
      this.problem.set(EngineError.from(thrown));
    }
    const value = this.#messages.get(id);
    if (value === undefined) return messages;
    if (value.get() === null) value.set(messages);
    return value.get() ?? messages;
  }

  #list(change: (list: readonly Conversation[]) => readonly Conversation[]): void {
    this.conversations.update((list) => change(list ?? []));
  }

  /** Memory comes first, so that what was typed stays on the screen even where it cannot be saved. */
  async #save<T>(changed: string | null, write: (db: ChatDatabase) => Promise<T>): Promise<T | undefined> {
    await this.#opening;
    if (this.#db === null) return undefined;
    try {
      const result = await write(this.#db);
      this.#channel?.postMessage(changed);
      return result;
    } catch (thrown) {
      this.problem.set(EngineError.from(thrown));
      return undefined;
    }
  }

  /** Reads again what another tab has changed. */
  async #refresh(changed: string | null): Promise<void> {
    const db = this.#db;
    if (db === null) return;
    const value = changed === null ? undefined : this.#messages.get(changed);
    try {
      const [list, saved, messages] = await Promise.all([
        db.list(),
        db.settings(),
        changed !== null && value !== undefined ? db.messages(changed) : null,
      ]);
      this.conversations.set(list);
      if (changed === null) this.settings.set(merge(saved));
      if (messages !== null) value?.set(messages);
    } catch (thrown) {
      this.problem.set(EngineError.from(thrown));
    }
  }
}

/** Settings that were saved by an older version lack what came later. */
function merge(saved: Partial<Settings>): Settings {
  return { ...DEFAULT_SETTINGS, ...saved, sampling: { ...DEFAULT_SETTINGS.sampling, ...saved.sampling } };
}
