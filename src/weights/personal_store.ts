// Where a browser keeps what was learnt from replies on this device, by model. It holds pieces of conversations, so it can be erased by itself.
import { type DBSchema, type IDBPDatabase, openDB } from "idb";

const DATABASE = "gyre-personal";

interface PersonalSchema extends DBSchema {
  tables: { key: string; value: ArrayBuffer };
}

/** Bytes by a model's id. Throws what IndexedDB throws. */
export class PersonalStore {
  async get(id: string): Promise<ArrayBuffer | undefined> {
    return this.#with((db) => db.get("tables", id));
  }

  /** Keeps what `change` makes of what is kept, with no other tab in between. */
  async update(id: string, change: (kept: ArrayBuffer | undefined) => ArrayBuffer): Promise<void> {
    await this.#with(async (db) => {
      const transaction = db.transaction("tables", "readwrite");
      const put = async () => transaction.store.put(change(await transaction.store.get(id)), id);
      await Promise.all([put(), transaction.done]); // both are heard: one that is aborted rejects both
    });
  }

  async remove(id: string): Promise<void> {
    await this.#with((db) => db.delete("tables", id));
  }

  async clear(): Promise<void> {
    await this.#with((db) => db.clear("tables"));
  }

  // Opened for each use, of which there are two a reply: nothing is held that another tab's deletion would have to wait for.
  async #with<T>(use: (db: IDBPDatabase<PersonalSchema>) => Promise<T>): Promise<T> {
    const db = await openDB<PersonalSchema>(DATABASE, 1, { upgrade: (fresh) => void fresh.createObjectStore("tables") });
    try {
      return await use(db);
    } finally {
      db.close();
    }
  }
}
