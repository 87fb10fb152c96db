// The models that this page can run: the one that ships with the app, and those that the user brought, all kept in IndexedDB.
import { EngineError } from "../protocol/errors";
import type { LoadProgress, ModelEntry, PickedFile, Precision } from "../protocol/messages";
import { BlobSource } from "../weights/blob_source";
import { openCheckpoint } from "../weights/checkpoint";
import { downloadPackage, fetchManifest } from "../weights/http_source";
import { chunkSpan, MANIFEST_PATH, type Manifest, packageBytes, parseManifest, sha256 } from "../weights/package";
import type { PackageSink } from "../weights/package_writer";
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
    const source = new BlobSource(name, files);
    const checkpoint = await openCheckpoint(source);
    const { loadTokenizer } = await import("../text/tokenizer");
    await loadTokenizer(source); // before the long part, so that a missing tokenizer is told at once
    await ensureRoom(checkpoint.bytes);
    const id = crypto.randomUUID();
    const sink = this.#store.stage(id, id);
    const report = (done: number, total: number) => onProgress({ phase: "import", done, total });
    const { convertCheckpoint } = await import("../engine/convert"); // few visitors ever need it
    try {
      const manifest = await navigator.locks.request(IMPORTING, { mode: "shared", signal }, () =>
        checkpoint.packed
          ? copyPackage(source, sink, report, signal)
          : convertCheckpoint(checkpoint, { name, precision, onProgress: report, signal }, sink),
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

  /** Removes a stored model that turned out damaged, where opening it downloads it anew. Says whether it did. */
  async dropDamaged(id: string): Promise<boolean> {
    if (id !== SHIPPED || (await this.#store.get(id)) === undefined) return false;
    await this.#store.remove(id);
    return true;
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
    const report = (done: number, total: number) => onProgress({ phase: "download", done, total });
    const options = { id: SHIPPED, baseUrl: this.#shippedUrl, manifest, store: this.#store, signal, onProgress: report };
    try {
      await ensureRoom(packageBytes(manifest));
      // Who has a model already does not wait for a bad connection; what arrived is kept for the next time.
      await downloadPackage(stored ? { ...options, attempts: 1 } : options);
    } catch (error) {
      if (!stored || signal.aborted) throw error;
    }
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

/** Copies a package chunk by chunk, each checked against its hash; gyre.json last, which makes it whole. */
async function copyPackage(
  source: Source,
  sink: PackageSink,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<Manifest> {
  const manifest = parseManifest(await readJson(source, MANIFEST_PATH));
  const total = packageBytes(manifest);
  let done = 0;
  for (const file of manifest.files) {
    for (const [index, hash] of file.chunks.entries()) {
      signal.throwIfAborted();
      const { start, end } = chunkSpan(manifest, file, index);
      const bytes = await source.read(file.path, start, end);
      if ((await sha256(bytes)) !== hash) {
        throw new EngineError(
          "model-damaged",
          `${file.path} is damaged: its part ${index + 1} is not what ${MANIFEST_PATH} says.`,
          source.name,
        );
      }
      await sink.write(file.path, index, bytes);
      done += bytes.length;
      onProgress(done, total);
    }
  }
  await sink.write(MANIFEST_PATH, 0, await source.read(MANIFEST_PATH, 0, await source.size(MANIFEST_PATH)));
  return manifest;
}

function entryOf(id: string, manifest: Manifest, stored: boolean): ModelEntry {
  const { name, family, precision, parameters } = manifest;
  return { id, name, family, precision, parameters, bytes: packageBytes(manifest), shipped: id === SHIPPED, stored };
}
