// The models of this device: the one that ships with the app, fetched from the app's own origin, and those that the user brought.
import { convertCheckpoint } from "../engine/convert";
import { parseModel } from "../models/registry";
import { EngineError } from "../protocol/errors";
import type { LoadProgress, ModelEntry, PickedFile, Precision } from "../protocol/messages";
import { loadTokenizer } from "../text/tokenizer";
import { BlobSource } from "../weights/blob_source";
import { openCheckpoint } from "../weights/checkpoint";
import { downloadPackage, fetchManifest } from "../weights/http_source";
import { chunkSpan, MANIFEST_PATH, type Manifest, packageBytes, parseManifest, sha256 } from "../weights/package";
import { readJson, type Source } from "../weights/source";
import { ensureRoom, type Staging, WeightStore } from "../weights/store";
import { storedSource } from "../weights/stored_source";

export const SHIPPED = "gyre-demo";

const NEWER_WITHIN = 1500; // ms to ask for a newer version of a shipped model that is on the device already

export interface ImportRequest {
  readonly name: string;
  readonly files: readonly PickedFile[];
  readonly precision: Precision;
}

export class Library {
  readonly #store = new WeightStore();
  readonly #shippedUrl: string;
  #served: Manifest | null = null; // the shipped model's manifest, once it has been fetched

  /** `base`: the URL of the app's folder, with its last slash. */
  constructor(base: string) {
    this.#shippedUrl = new URL(`models/${SHIPPED}/`, base).href;
  }

  async list(): Promise<readonly ModelEntry[]> {
    const stored = await this.#store.list();
    const shipped = stored.find((model) => model.id === SHIPPED);
    const others = stored.filter((model) => model.id !== SHIPPED).map((model) => entryOf(model.id, model.manifest, true));
    return [shipped === undefined ? await this.#notYetStored() : entryOf(SHIPPED, shipped.manifest, true), ...others];
  }

  /** The model's files on this device; the shipped one is downloaded first where that is needed. */
  async open(
    id: string,
    signal: AbortSignal,
    onProgress: (progress: LoadProgress) => void,
  ): Promise<{ source: Source; entry: ModelEntry }> {
    if (id === SHIPPED) await this.#bring(signal, onProgress);
    const model = await this.#store.get(id);
    if (model === undefined) throw new EngineError("model-missing", `The model ${id} is not on this device.`);
    return { source: await storedSource(this.#store, id), entry: entryOf(id, model.manifest, true) };
  }

  /** Takes a folder in, a package as it is and anything else converted. Errors name the file and the reason; nothing is left of a failure. */
  async import(
    { name, files, precision }: ImportRequest,
    signal: AbortSignal,
    onProgress: (progress: LoadProgress) => void,
  ): Promise<ModelEntry> {
    const source = new BlobSource(name, files);
    const id = `own-${crypto.randomUUID()}`;
    const staging = this.#store.stage(id, "import");
    const report = (done: number, total: number) => onProgress({ phase: "import", done, total });
    try {
      const checkpoint = await openCheckpoint(source);
      parseModel(checkpoint.config);
      await loadTokenizer(source);
      await ensureRoom(checkpoint.bytes);
      const manifest =
        checkpoint.packed === null
          ? await convertCheckpoint(checkpoint, { precision, name, onProgress: report, signal }, staging)
          : await copyPackage(source, staging, signal, report);
      return entryOf(id, manifest, true);
    } catch (thrown) {
      await this.#store.remove(id);
      throw thrown;
    }
  }

  remove(id: string): Promise<void> {
    return this.#store.remove(id);
  }

  /** Downloads the shipped model, or a newer version of it. Without network the one on the device will do. */
  async #bring(signal: AbortSignal, onProgress: (progress: LoadProgress) => void): Promise<void> {
    const stored = await this.#store.get(SHIPPED);
    try {
      const patience = stored === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(NEWER_WITHIN)]);
      const manifest = await fetchManifest(this.#shippedUrl, patience);
      this.#served = manifest;
      if (stored !== undefined && JSON.stringify(stored.manifest) === JSON.stringify(manifest)) return;
      await ensureRoom(packageBytes(manifest));
      await downloadPackage({
        id: SHIPPED,
        baseUrl: this.#shippedUrl,
        manifest,
        store: this.#store,
        signal,
        onProgress: (done, total) => onProgress({ phase: "download", done, total }),
      });
    } catch (thrown) {
      if (stored === undefined || signal.aborted) throw thrown;
    }
  }

  /** The entry of the shipped model before its first download; where the server cannot be reached, loading will say why. */
  async #notYetStored(): Promise<ModelEntry> {
    try {
      this.#served ??= await fetchManifest(this.#shippedUrl);
      return entryOf(SHIPPED, this.#served, false);
    } catch {
      return { id: SHIPPED, name: "Gyre demo", family: "lfm2", precision: "w8a8", parameters: 0, bytes: 0, shipped: true, stored: false };
    }
  }
}

function entryOf(id: string, manifest: Manifest, stored: boolean): ModelEntry {
  const { name, family, precision, parameters } = manifest;
  return { id, name, family, precision, parameters, bytes: packageBytes(manifest), shipped: id === SHIPPED, stored };
}

/** Copies a package chunk by chunk, each checked against its hash. */
async function copyPackage(
  source: Source,
  staging: Staging,
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void,
): Promise<Manifest> {
  const manifest = parseManifest(await readJson(source, MANIFEST_PATH));
  const total = packageBytes(manifest);
  let done = 0;
  for (const file of manifest.files) {
    const size = await source.size(file.path);
    if (size !== file.bytes)
      throw new EngineError("model-damaged", `${file.path} is damaged: it has ${size} bytes instead of ${file.bytes}.`);
    for (const [index, hash] of file.chunks.entries()) {
      signal.throwIfAborted();
      const { start, end } = chunkSpan(manifest, file, index);
      const bytes = await source.read(file.path, start, end);
      if ((await sha256(bytes)) !== hash)
        throw new EngineError("model-damaged", `${file.path} is damaged: chunk ${index} fails its checksum.`);
      await staging.write(file.path, index, bytes);
      done += bytes.length;
      onProgress(done, total);
    }
  }
  await staging.commit(manifest);
  return manifest;
}
