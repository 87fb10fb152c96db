// Writes a Gyre package as a stream of chunks, hashing as it goes, so that a model of any size passes through in a few megabytes of memory.
import { EngineError } from "../protocol/errors";
import { CHUNK_BYTES, MANIFEST_PATH, type Manifest, type PackageFile, sha256, versionOf } from "./package";
import { encodeHeader, type TensorSpec } from "./safetensors";
import type { PackageInfo, TensorInfo } from "./source";

/** Where a package's chunks go: a folder, or the store. `bytes` may be reused as soon as the promise resolves. */
export interface PackageSink {
  write(path: string, chunkIndex: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/**
 * Call `file` for each small file, `tensors` once and then `append` for the tensors' bytes in the declared order, and `finish`.
 * gyre.json is written last: a package without it is not one. Calls out of order throw "internal".
 */
export class PackageWriter {
  readonly #sink: PackageSink;
  readonly #info: PackageInfo;
  readonly #chunkBytes: number;
  readonly #files: PackageFile[] = [];
  #open: ChunkStream | null = null;
  #pending: TensorInfo[] = []; // declared and not yet complete, in order
  #filled = 0; // bytes of the first pending tensor

  constructor(sink: PackageSink, info: PackageInfo, chunkBytes: number = CHUNK_BYTES) {
    this.#sink = sink;
    this.#info = info;
    this.#chunkBytes = chunkBytes;
  }

  /** Writes a whole small file, such as tokenizer.json. */
  async file(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#open !== null) throw misuse(`${path} comes in the middle of the tensors`);
    const stream = this.#stream(path);
    await stream.append(bytes);
    this.#files.push(await stream.close());
  }

  /** Declares every tensor of a safetensors file, in the order in which they will come. */
  async tensors(specs: readonly TensorSpec[], path = "model.safetensors"): Promise<void> {
    if (this.#open !== null) throw misuse(`${path} begins before the last file is complete`);
    const { header, tensors } = encodeHeader(specs, path);
    this.#open = this.#stream(path);
    this.#pending = [...tensors];
    await this.#open.append(header);
    await this.#settle();
  }

  /** The next bytes of tensor `name`, as many at a time as suits the caller. */
  async append(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const tensor = this.#pending[0];
    if (this.#open === null || tensor?.name !== name) throw misuse(`tensor ${name} comes where ${tensor?.name ?? "none"} should`);
    const room = tensor.end - tensor.begin - this.#filled;
    if (bytes.length > room) throw misuse(`tensor ${name} has ${bytes.length - room} bytes too many`);
    this.#filled += bytes.length;
    await this.#open.append(bytes);
    await this.#settle();
  }

  /** Writes gyre.json and returns what it says. */
  async finish(): Promise<Manifest> {
    const missing = this.#pending[0];
    if (missing !== undefined) throw misuse(`tensor ${missing.name} is incomplete`);
    const manifest: Manifest = {
      format: "gyre",
      version: versionOf(this.#info),
      ...this.#info,
      chunkBytes: this.#chunkBytes,
      files: this.#files,
    };
    await this.#sink.write(MANIFEST_PATH, 0, new TextEncoder().encode(`${JSON.stringify(manifest, null, 1)}\n`));
    return manifest;
  }

  /** Drops the tensors that are complete, empty ones too, and closes the file after the last. */
  async #settle(): Promise<void> {
    for (let tensor = this.#pending[0]; tensor !== undefined && this.#filled === tensor.end - tensor.begin; tensor = this.#pending[0]) {
      this.#pending.shift();
      this.#filled = 0;
    }
    if (this.#open === null || this.#pending.length > 0) return;
    this.#files.push(await this.#open.close());
    this.#open = null;
  }

  #stream(path: string): ChunkStream {
    if (path === MANIFEST_PATH || this.#files.some((file) => file.path === path)) throw misuse(`${path} is written twice`);
    return new ChunkStream(this.#sink, path, this.#chunkBytes);
  }
}

/** Cuts one file into chunks. */
class ChunkStream {
  readonly #sink: PackageSink;
  readonly #path: string;
  readonly #chunk: Uint8Array<ArrayBuffer>;
  readonly #hashes: string[] = [];
  #used = 0; // bytes of #chunk
  #total = 0;

  constructor(sink: PackageSink, path: string, chunkBytes: number) {
    this.#sink = sink;
    this.#path = path;
    this.#chunk = new Uint8Array(chunkBytes);
  }

  async append(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const part = bytes.subarray(done, done + this.#chunk.length - this.#used);
      this.#chunk.set(part, this.#used);
      this.#used += part.length;
      done += part.length;
      if (this.#used === this.#chunk.length) await this.#flush();
    }
    this.#total += bytes.length;
  }

  async close(): Promise<PackageFile> {
    if (this.#used > 0) await this.#flush();
    return { path: this.#path, bytes: this.#total, chunks: this.#hashes };
  }

  async #flush(): Promise<void> {
    const bytes = this.#chunk.subarray(0, this.#used);
    const [hash] = await Promise.all([sha256(bytes), this.#sink.write(this.#path, this.#hashes.length, bytes)]);
    this.#hashes.push(hash);
    this.#used = 0;
  }
}

function misuse(reason: string): EngineError {
  return new EngineError("internal", `The package cannot be written: ${reason}.`);
}
