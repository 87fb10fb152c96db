// The models that this page can run: the one that ships with the app, and those that the user brought, all kept in IndexedDB.
import { EngineError } from "../protocol/errors";
import type { LoadProgress, ModelEntry, PickedFile, Precision } from "../protocol/messages";
import { type DownloadOptions, downloadPackage, fetchManifest } from "../weights/http_source";
import { MANIFEST_PATH, type Manifest, packageBytes, parseManifest } from "../weights/package";
import { readJson, type Source } from "../weights/source";
import { ensureRoom, type WeightStore } from "../weights/store";
import { storedSource } from "../weights/stored_source";

const SHIPPED = "gyre-demo";

const NEWER_WITHIN = 1500; // ms to ask for a newer version of a shipped model that is on the device already
const IMPORTING = "gyre-import"; // name of the lock that every import holds

type OnProgress = (progress: LoadProgress) => void;

export class Models {
  readonly #store: WeightStore;
  readonly #shippedUrl: string; // the shipped package's folder, with its last slash

  constructor(store: WeightStore, shippedUrl: string) {
    this.#store = store;
    this.#shippedUrl = shippedUrl;
  }

  /** The shipped model first, whether it is on this device yet or not. */
  async list(): Promise<readonly ModelEntry[]> {
    const stored = await this.#store.list();
    const entries = stored.map(({ id, manifest }) => entryOf(id, manifest, true));
    if (stored.some(({ id }) => id === SHIPPED)) return entries.sort((a, b) => Number(b.shipped) - Number(a.shipped));
    return [await this.#toDownload(), ...entries];
  }

  /** The files of a model, after downloading what is shipped and missing. Throws "model-missing" for an unknown one. */
  async open(id: string, onProgress: OnProgress, signal: AbortSignal): Promise<{ readonly source: Source; readonly entry: ModelEntry }> {
    if (id === SHIPPED) await this.#download(onProgress, signal);
    const source = await storedSource(this.#store, id);
    return { source, entry: entryOf(id, parseManifest(await readJson(source, MANIFEST_PATH)), true) };
  }

  /** Converts a folder that the user picked and keeps it. Throws what is wrong with the folder, naming the file. */
  async import(
    name: string,
    files: readonly PickedFile[],
    precision: Precision,
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<ModelEntry> {
    const { readFolder } = await import("./import_folder"); // few visitors ever need it
    const id = crypto.randomUUID();
    const write = await readFolder(name, files, precision);
    try {
      const manifest = await navigator.locks.request(IMPORTING, { mode: "shared", signal }, () =>
        write(this.#store.stage(id, id), (done, total) => onProgress({ phase: "import", done, total }), signal),
      );
      return entryOf(id, manifest, true);
    } catch (error) {
      await this.#store.remove(id);
      throw error;
    }
  }

  /** Removes what an interrupted import left behind, unless one is at work in some tab. A broken-off download stays, to be gone on with. */
  async sweep(): Promise<void> {
    await navigator.locks.request(IMPORTING, { ifAvailable: true }, async (lock) => {
      if (lock) await this.#store.sweep(new Set([SHIPPED]));
    });
  }

  async remove(id: string): Promise<void> {
    await this.#store.remove(id);
  }

  /**
   * Downloads the shipped model in place of a stored copy that turned out damaged, which stays until the new one is whole. Says whether it
   * did; throws the damage where that fails, with the reason as its detail.
   */
  async mend(id: string, damage: EngineError, onProgress: OnProgress, signal: AbortSignal): Promise<boolean> {
    const stored = await this.#store.get(id);
    if (id !== SHIPPED || stored === undefined) return false;
    try {
      const manifest = await fetchManifest(this.#shippedUrl, signal);
      await this.#fetch({ manifest, signal, damaged: stored.generation }, onProgress);
      return true;
    } catch (error) {
      if (signal.aborted) throw error;
      throw new EngineError(damage.code, damage.message, `It could not be downloaded anew. ${EngineError.from(error).message}`);
    }
  }

  /** Fetches the shipped model, or its newer version; where that fails for any reason but an abort, a stored one has to do. */
  async #download(onProgress: OnProgress, signal: AbortSignal): Promise<void> {
    const stored = await this.#store.get(SHIPPED);
    const patience = stored ? AbortSignal.any([signal, AbortSignal.timeout(NEWER_WITHIN)]) : signal;
    const manifest = await fetchManifest(this.#shippedUrl, patience).catch((error: unknown) => {
      if (!stored || signal.aborted) throw error;
      return stored.manifest;
    });
    if (stored && JSON.stringify(stored.manifest) === JSON.stringify(manifest)) return;
    try {
      // Who has a model already does not wait for a bad connection; what arrived is kept for the next time.
      await this.#fetch({ manifest, signal, ...(stored && { attempts: 1 }) }, onProgress);
    } catch (error) {
      if (!stored || signal.aborted) throw error;
    }
  }

  async #fetch(options: Pick<DownloadOptions, "manifest" | "signal" | "attempts" | "damaged">, onProgress: OnProgress): Promise<void> {
    await ensureRoom(packageBytes(options.manifest));
    const report = (done: number, total: number) => onProgress({ phase: "download", done, total });
    await downloadPackage({ ...options, id: SHIPPED, baseUrl: this.#shippedUrl, store: this.#store, onProgress: report });
  }

  /** The shipped model before its first download. Where the server cannot be reached, loading it will say why; the list must not fail. */
  async #toDownload(): Promise<ModelEntry> {
    try {
      return entryOf(SHIPPED, await fetchManifest(this.#shippedUrl), false);
    } catch {
      return { id: SHIPPED, name: "Gyre demo", family: "", precision: "w8a8", parameters: 0, bytes: 0, shipped: true, stored: false };
    }
  }
}

function entryOf(id: string, manifest: Manifest, stored: boolean): ModelEntry {
  const { name, family, precision, parameters } = manifest;
  return { id, name, family, precision, parameters, bytes: packageBytes(manifest), shipped: id === SHIPPED, stored };
}
