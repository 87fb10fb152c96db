// Where a browser keeps what was measured on its GPU; a database of its own, so that forgetting a model does not touch it.
import { type DBSchema, type IDBPDatabase, openDB } from "idb";

const DATABASE = "gyre-tunings";
const MOST = 24; // tunings kept: of old browsers, drivers and versions of the app nothing is ever read again

interface TuningSchema extends DBSchema {
  tunings: { key: string; value: { readonly tuning: object; readonly at: number }; indexes: { at: number } };
}

/** Small JSON by key; of many, the ones written last are kept. Throws what IndexedDB throws. */
export class IndexedTunings {
  #database: Promise<IDBPDatabase<TuningSchema>> | null = null;

  async get(key: string): Promise<unknown> {
    return (await (await this.#open()).get("tunings", key))?.tuning;
  }

  async put(key: string, tuning: object): Promise<void> {
    const transaction = (await this.#open()).transaction("tunings", "readwrite");
    const replace = async () => {
      await transaction.store.put({ tuning, at: Date.now() }, key);
      const oldest = await transaction.store.index("at").getAllKeys();
      await Promise.all(oldest.slice(0, Math.max(0, oldest.length - MOST)).map((old) => transaction.store.delete(old)));
    };
    await Promise.all([replace(), transaction.done]); // both are heard: one that is aborted rejects both
  }

  async clear(): Promise<void> {
    await (await this.#open()).clear("tunings");
  }

  async close(): Promise<void> {
    const database = this.#database;
    this.#database = null;
    (await database)?.close();
  }

  #open(): Promise<IDBPDatabase<TuningSchema>> {
    const forget = () => {
      this.#database = null;
    };
    this.#database ??= openDB<TuningSchema>(DATABASE, 1, {
      upgrade: (db) => void db.createObjectStore("tunings").createIndex("at", "at"),
      blocking: () => void this.close(), // another tab deletes or upgrades it
      terminated: forget,
    }).catch((error: unknown) => {
      forget();
      throw error;
    });
    return this.#database;
  }
}
