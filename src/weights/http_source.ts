// Brings a package from the app's own origin into the store, a verified chunk at a time, so that a download can stop anywhere and go on
// later.
import { EngineError } from "../protocol/errors";
import { chunkSpan, MANIFEST_PATH, type Manifest, type PackageFile, packageBytes, parseManifest, sha256 } from "./package";
import type { Staging, WeightStore } from "./store";

const ATTEMPTS = 4; // in a row without a new chunk
const BACKOFF_MS = 500; // before the second attempt; doubled before each further one
const STALL_MS = 20_000; // without a byte, after which a connection counts as broken

export interface DownloadOptions {
  readonly id: string; // under which the model is stored
  readonly baseUrl: string; // the package's folder, with its last slash
  readonly manifest: Manifest; // from fetchManifest
  readonly store: WeightStore;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void; // bytes, those that were there before included
  readonly attempts?: number; // in a row without a new chunk
  readonly backoffMs?: number;
  readonly stallMs?: number;
  readonly damaged?: string; // generation of a stored copy of which nothing is to be taken over; it stays until the new one is whole
}

/**
 * Throws "network" when the server cannot be reached, "model-missing" where there is no package, "model-damaged" where it is no manifest.
 */
export async function fetchManifest(baseUrl: string, signal?: AbortSignal): Promise<Manifest> {
  const connection = new Connection(MANIFEST_PATH, STALL_MS, signal);
  const response = await request(baseUrl, connection);
  const text = await connection.wait(response.text());
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new EngineError("model-damaged", `${MANIFEST_PATH} is damaged: it is not JSON.`, String(error));
  }
  return parseManifest(json);
}

/**
 * Downloads what the store lacks of a package and commits it. Throws "network" when the server stays out of reach, "model-damaged" naming
 * file and chunk when one stays wrong or short, "storage-full"; an abort throws the signal's reason. What was verified stays, and the next
 * call goes on from it.
 */
export async function downloadPackage(options: DownloadOptions): Promise<void> {
  const { manifest, store, id } = options;
  // The manifest's hash is the generation: chunks of another version under the same id are never mixed in, and the old model stays usable
  // meanwhile.
  const version = await sha256(new TextEncoder().encode(JSON.stringify(manifest)));
  const staging = store.stage(id, version === options.damaged ? `${version} anew` : version);
  const missing = new Map<PackageFile, Set<number>>();
  let done = packageBytes(manifest);
  for (const file of manifest.files) {
    const present = await staging.present(file.path);
    const absent = new Set([...file.chunks.keys()].filter((index) => !present.has(index)));
    missing.set(file, absent);
    for (const index of absent) done -= spanBytes(manifest, file, index);
  }
  const progress = new Progress(done, packageBytes(manifest), options.onProgress);
  for (const [file, absent] of missing) await downloadFile(options, staging, file, absent, progress);
  options.signal.throwIfAborted();
  await staging.commit(manifest);
}

/** Tries until no chunk of `absent` is left; every new chunk starts the count of attempts anew. */
async function downloadFile(
  options: DownloadOptions,
  staging: Staging,
  file: PackageFile,
  absent: Set<number>,
  progress: Progress,
): Promise<void> {
  let failures = 0;
  while (absent.size > 0) {
    const before = absent.size;
    try {
      await fetchRun(options, staging, file, absent, progress);
    } catch (error) {
      options.signal.throwIfAborted();
      failures = absent.size < before ? 1 : failures + 1;
      if (!isPassing(error) || failures >= (options.attempts ?? ATTEMPTS)) throw error;
      await pause((options.backoffMs ?? BACKOFF_MS) * 2 ** (failures - 1), options.signal);
    }
    progress.settle();
  }
}

/** One request: from the first absent chunk to the end of the run of absent chunks that it begins. */
async function fetchRun(
  options: DownloadOptions,
  staging: Staging,
  file: PackageFile,
  absent: Set<number>,
  progress: Progress,
): Promise<void> {
  const { manifest, signal } = options;
  const first = Math.min(...absent);
  let last = first;
  while (absent.has(last + 1)) last += 1;
  const start = chunkSpan(manifest, file, first).start;
  const end = chunkSpan(manifest, file, last).end;
  const isWhole = start === 0 && end === file.bytes;
  const headers: HeadersInit = isWhole ? {} : { Range: `bytes=${start}-${end - 1}` };
  const connection = new Connection(file.path, options.stallMs ?? STALL_MS, signal);
  const response = await request(options.baseUrl, connection, headers);
  // A static server may ignore the range and send the whole file; then the chunks before the first absent one are read and dropped.
  const reader = new ChunkReader(response, file, connection);
  for (let index = firstChunk(response, manifest, file, start); index <= last; index += 1) {
    signal.throwIfAborted();
    const wanted = absent.has(index);
    const bytes = await reader.next(spanBytes(manifest, file, index), index, wanted ? (count) => progress.receive(count) : () => undefined);
    if (!wanted) continue;
    if ((await sha256(bytes)) !== file.chunks[index]) throw damaged(file, index, "it fails its checksum");
    await staging.write(file.path, index, bytes);
    absent.delete(index);
    progress.keep(bytes.length);
  }
  await reader.cancel();
}

/** The index of the chunk that the response's body begins with. */
function firstChunk(response: Response, manifest: Manifest, file: PackageFile, start: number): number {
  if (response.status !== 206) return 0;
  const sent = /^bytes (\d+)-/.exec(response.headers.get("Content-Range") ?? "")?.[1];
  if (sent !== undefined && Number(sent) !== start) {
    throw new EngineError("network", `The server sent another part of ${file.path} than was asked for.`, `from byte ${sent}, not ${start}`);
  }
  return start / manifest.chunkBytes;
}

/** Cuts a response's body into chunks. */
class ChunkReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #file: PackageFile;
  readonly #connection: Connection;
  #rest: Uint8Array = new Uint8Array(0); // received and not yet handed out

  constructor(response: Response, file: PackageFile, connection: Connection) {
    if (response.body === null) throw new EngineError("network", `The server sent nothing for ${file.path}.`);
    this.#reader = response.body.getReader();
    this.#file = file;
    this.#connection = connection;
  }

  async next(size: number, index: number, onReceive: (bytes: number) => void): Promise<Uint8Array<ArrayBuffer>> {
    const chunk = new Uint8Array(size);
    let filled = 0;
    while (filled < size) {
      if (this.#rest.length === 0) this.#rest = await this.#receive(index, filled, size);
      const part = this.#rest.subarray(0, size - filled);
      chunk.set(part, filled);
      filled += part.length;
      this.#rest = this.#rest.subarray(part.length);
      onReceive(part.length);
    }
    return chunk;
  }

  /** Ends the request if the server has more to send than is wanted. */
  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => undefined);
  }

  async #receive(index: number, filled: number, size: number): Promise<Uint8Array> {
    const { done, value } = await this.#connection.wait(this.#reader.read());
    if (done) throw damaged(this.#file, index, `the server sent ${filled} of its ${size} bytes`);
    return value;
  }
}

/** Bytes kept plus those of the chunk on its way, which are lost if it fails. */
class Progress {
  #kept: number;
  #receiving = 0;
  readonly #total: number;
  readonly #report: (done: number, total: number) => void;

  constructor(kept: number, total: number, report: (done: number, total: number) => void) {
    this.#kept = kept;
    this.#total = total;
    this.#report = report;
    report(kept, total);
  }

  receive(bytes: number): void {
    this.#receiving += bytes;
    this.#report(this.#kept + this.#receiving, this.#total);
  }

  keep(bytes: number): void {
    this.#kept += bytes;
    this.#receiving = 0;
  }

  settle(): void {
    this.#receiving = 0;
  }
}

/** One request's life. A connection can die without a word, so each wait for the network ends when nothing has come for `stallMs`. */
class Connection {
  readonly path: string;
  readonly signal: AbortSignal; // for fetch
  readonly #caller: AbortSignal | undefined;
  readonly #stall = new AbortController();
  readonly #stallMs: number;

  constructor(path: string, stallMs: number, caller?: AbortSignal) {
    this.path = path;
    this.signal = caller === undefined ? this.#stall.signal : AbortSignal.any([caller, this.#stall.signal]);
    this.#caller = caller;
    this.#stallMs = stallMs;
  }

  /** What `arriving` gives. Throws "network" where it fails or stalls, and what an abort by the caller makes of it as it is. */
  async wait<T>(arriving: Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#stall.abort(), this.#stallMs);
    try {
      return await arriving;
    } catch (error) {
      if (this.#caller?.aborted) throw error;
      const reason = this.#stall.signal.aborted ? `nothing came for ${this.#stallMs / 1000} seconds` : "the connection failed";
      throw new EngineError("network", `${this.path} could not be fetched: ${reason}.`, String(error));
    } finally {
      clearTimeout(timer);
    }
  }
}

async function request(baseUrl: string, connection: Connection, headers: HeadersInit = {}): Promise<Response> {
  const { path, signal } = connection;
  const url = baseUrl + path.split("/").map(encodeURIComponent).join("/");
  const response = await connection.wait(fetch(url, { signal, headers, cache: "no-store" }));
  // Servers made for single-page apps answer any unknown path with the app's own page.
  const isPage = response.headers.get("Content-Type")?.startsWith("text/html") ?? false;
  if (response.status === 404 || response.status === 410 || (response.ok && isPage)) {
    throw new EngineError("model-missing", `The server has no ${path}.`, url);
  }
  if (!response.ok) throw new EngineError("network", `The server did not give ${path}: status ${response.status}.`, url);
  return response;
}

function isPassing(error: unknown): boolean {
  return error instanceof EngineError && (error.code === "network" || error.code === "model-damaged");
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    signal.addEventListener("abort", wake);
  });
  signal.throwIfAborted();
}

function spanBytes(manifest: Manifest, file: PackageFile, index: number): number {
  const { start, end } = chunkSpan(manifest, file, index);
  return end - start;
}

function damaged(file: PackageFile, index: number, reason: string): EngineError {
  return new EngineError("model-damaged", `Chunk ${index} of ${file.path} is damaged: ${reason}.`);
}
