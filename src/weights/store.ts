// Models on this device, in IndexedDB. A model's record is its commit point: chunks are written first, each in a transaction of its own,
// and a crash at any moment leaves either the old model whole or none at all.
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { EngineError } from "../protocol/errors";
import { MANIFEST_PATH, type Manifest, parseManifest } from "./package";
import type { PackageSink } from "./package_writer";

const DATABASE = "gyre-weights";

/** A whole model; `generation` tells its chunks from those of an older or unfinished copy under the same id. */
export interface StoredModel {
  readonly id: string;
  readonly generation: string;
  readonly manifest: Manifest;
}

type ChunkKey = [id: string, generation: string, path: string, index: number];

interface WeightSchema extends DBSchema {
  models: { key: string; value: StoredModel };
  chunks: { key: ChunkKey; value: Blob }; // Blobs were read twice as fast as ArrayBuffers in Chromium (490 against 240 MB/s)
}

/** Every method throws EngineError "storage-full" where the quota is spent and "storage-failed" for any other trouble. */
export class WeightStore {
  #database: Promise<IDBPDatabase<WeightSchema>> | null = null;

  /** Whole models, in the order of their ids. */
  async list(): Promise<readonly StoredModel[]> {
    return this.#run((db) => db.getAll("models"));
  }

  async get(id: string): Promise<StoredModel | undefined> {
    return this.#run((db) => db.get("models", id));
  }

  /** A place to write model `id`. The same generation finds the chunks that an interrupted write left, so a download goes on with it. */
  stage(id: string, generation: string): Staging {
    return new Staging(id, generation, (use) => this.#run(use));
  }

  /** One chunk of a model, or undefined if it is not there. */
  async chunk(model: StoredModel, path: string, index: number): Promise<Blob | undefined> {
    return this.#run((db) => db.get("chunks", [model.id, model.generation, path, index]));
  }

  /** Removes a model and every chunk under its id, those of unfinished downloads too. */
  async remove(id: string): Promise<void> {
    await this.#run(async (db) => {
      const transaction = db.transaction(["models", "chunks"], "readwrite");
      await complete(transaction, [transaction.objectStore("models").delete(id), transaction.objectStore("chunks").delete(chunksOf(id))]);
    });
  }

  /** Removes what interrupted imports left behind: chunks that belong to no whole model, except under the ids in `resumable`. */
  async sweep(resumable: ReadonlySet<string>): Promise<void> {
    const models = new Map((await this.list()).map((model) => [model.id, model.generation]));
    const keys = await this.#run((db) => db.getAllKeys("chunks"));
    const orphans = new Map<string, ChunkKey>();
    for (const key of keys) {
      const [id, generation] = key;
      if (models.get(id) !== generation && !resumable.has(id)) orphans.set(JSON.stringify([id, generation]), key);
    }
    for (const [id, generation] of orphans.values()) await this.#run((db) => db.delete("chunks", chunksOf(id, generation)));
  }

  /** Lets go of the database, so that it can be deleted or upgraded. The next call opens it again. */
  async close(): Promise<void> {
    const database = this.#database;
    this.#database = null;
    (await database)?.close();
  }

  async #run<T>(use: (db: IDBPDatabase<WeightSchema>) => Promise<T>): Promise<T> {
    try {
      this.#database ??= this.#open();
      return await use(await this.#database);
    } catch (error) {
      throw storageError(error);
    }
  }

  async #open(): Promise<IDBPDatabase<WeightSchema>> {
    // After any of these the handle is useless; the next call opens a fresh one.
    const forget = () => {
      this.#database = null;
    };
    let isBlocked = false;
    try {
      return await new Promise((resolve, reject) => {
        openDB<WeightSchema>(DATABASE, 1, {
          upgrade(db) {
            db.createObjectStore("models", { keyPath: "id" });
            db.createObjectStore("chunks");
          },
          blocked() {
            isBlocked = true;
            reject(new EngineError("storage-failed", "Another tab holds an older version of Gyre open. Close it and try again."));
          },
          blocking: () => {
            this.close().catch(() => undefined); // a newer version wants in; if closing fails, that tab is told that it is blocked
          },
          terminated: forget,
        }).then((db) => (isBlocked ? db.close() : resolve(db)), reject);
      });
    } catch (error) {
      forget();
      throw error;
    }
  }
}

/** Chunks of one generation being written. As a PackageSink it commits when gyre.json arrives, which a PackageWriter writes last. */
export class Staging implements PackageSink {
  readonly #id: string;
  readonly #generation: string;
  readonly #run: <T>(use: (db: IDBPDatabase<WeightSchema>) => Promise<T>) => Promise<T>;

  constructor(id: string, generation: string, run: <T>(use: (db: IDBPDatabase<WeightSchema>) => Promise<T>) => Promise<T>) {
    this.#id = id;
    this.#generation = generation;
    this.#run = run;
  }

  /** Indices of the file's chunks that are there already. */
  async present(path: string): Promise<ReadonlySet<number>> {
    const keys = await this.#run((db) => db.getAllKeys("chunks", chunksOf(this.#id, this.#generation, path)));
    return new Set(keys.map((key) => key[3]));
  }

  async write(path: string, chunkIndex: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (path === MANIFEST_PATH) return this.commit(parseManifest(JSON.parse(new TextDecoder().decode(bytes))));
    const blob = new Blob([bytes]);
    await this.#run(async (db) => {
      const transaction = db.transaction("chunks", "readwrite");
      await complete(transaction, [transaction.store.put(blob, [this.#id, this.#generation, path, chunkIndex])]);
    });
  }

  /** Makes this generation the model, and removes every other one under its id. */
  async commit(manifest: Manifest): Promise<void> {
    const model: StoredModel = { id: this.#id, generation: this.#generation, manifest };
    await this.#run(async (db) => {
      const transaction = db.transaction(["models", "chunks"], "readwrite");
      const chunks = transaction.objectStore("chunks");
      await complete(transaction, [
        transaction.objectStore("models").put(model),
        chunks.delete(IDBKeyRange.bound([this.#id], [this.#id, this.#generation], false, true)),
        chunks.delete(IDBKeyRange.bound([this.#id, this.#generation, []], [this.#id, []])),
      ]);
    });
  }
}

/**
 * Throws "storage-full" if the browser would refuse `bytes` more; where it does not tell, nothing happens.
 * Asking it to keep the data (navigator.storage.persist) is for the page: a worker cannot.
 */
export async function ensureRoom(bytes: number): Promise<void> {
  const estimate = await globalThis.navigator?.storage?.estimate?.();
  if (estimate?.quota === undefined) return;
  const free = estimate.quota - (estimate.usage ?? 0);
  if (bytes <= free) return;
  const missing = Math.ceil((bytes - free) / 1e6);
  throw new EngineError(
    "storage-full",
    `This browser would need ${missing} MB more of storage for this model.`,
    `${bytes} bytes to store, ${free} free`,
  );
}

/**
 * A quota error may come as late as the commit, and a request that falls with its transaction says only that: so the transaction is asked
 * first.
 */
async function complete(transaction: { readonly done: Promise<void> }, requests: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled([transaction.done, ...requests]);
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** All keys that begin with these parts: in IndexedDB an array sorts after every string and number. */
function chunksOf(...parts: readonly string[]): IDBKeyRange {
  return IDBKeyRange.bound([...parts], [...parts, []]);
}

function storageError(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const isQuota = error instanceof Error && error.name === "QuotaExceededError";
  return isQuota
    ? new EngineError("storage-full", "This browser has no more room for models.", String(error))
    : new EngineError("storage-failed", "This browser's storage did not work.", String(error));
}
