// A model in files that the user picked or dropped. Nothing is copied: a Blob is read where it lies, a slice at a time.
import { EngineError } from "../protocol/errors";
import type { Source } from "./source";

export interface PathedBlob {
  readonly path: string; // with forward slashes; a picked folder's own name comes first
  readonly file: Blob;
}

export class BlobSource implements Source {
  readonly name: string;
  readonly #files: ReadonlyMap<string, Blob>;

  /** Paths are taken relative to the folder of the outermost config.json, or, without one, to the folder that holds everything. */
  constructor(name: string, files: readonly PathedBlob[]) {
    this.name = name;
    const root = modelFolder(files.map((entry) => entry.path));
    const inside = files.filter((entry) => entry.path.startsWith(root));
    this.#files = new Map(inside.map((entry) => [entry.path.slice(root.length), entry.file]));
  }

  async has(path: string): Promise<boolean> {
    return this.#files.has(path);
  }

  async size(path: string): Promise<number> {
    return this.#file(path).size;
  }

  async read(path: string, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const file = this.#file(path);
    if (end > file.size) throw new EngineError("model-damaged", `${path} is damaged: it ends at byte ${file.size}, before byte ${end}.`);
    try {
      return new Uint8Array(await file.slice(start, end).arrayBuffer());
    } catch (error) {
      throw new EngineError("model-damaged", `${path} could not be read; it may have changed since it was picked.`, String(error));
    }
  }

  #file(path: string): Blob {
    const file = this.#files.get(path);
    if (file === undefined) throw new EngineError("model-missing", `${path} is missing from ${this.name}.`);
    return file;
  }
}

/** The prefix, with its last slash, that the model's paths share. */
function modelFolder(paths: readonly string[]): string {
  const depth = (path: string) => path.split("/").length;
  const configs = paths.filter((path) => path === "config.json" || path.endsWith("/config.json"));
  const outermost = configs.reduce<string | undefined>(
    (best, path) => (best === undefined || depth(path) < depth(best) ? path : best),
    undefined,
  );
  if (outermost !== undefined) return outermost.slice(0, -"config.json".length);
  const first = paths[0] ?? "";
  const folder = first.slice(0, first.indexOf("/") + 1);
  return paths.every((path) => path.startsWith(folder)) ? folder : "";
}
