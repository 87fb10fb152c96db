// A model in a folder on disk, for the command line and for tests.
import { type FileHandle, open, stat } from "node:fs/promises";
import { join } from "node:path";
import { EngineError } from "../protocol/errors";
import type { Source } from "../weights/source";

const MAX_READ = 2 ** 30; // bytes; one read call takes less than 2 GiB

export class FolderSource implements Source {
  readonly name: string;

  constructor(folder: string) {
    this.name = folder;
  }

  async has(path: string): Promise<boolean> {
    try {
      return (await stat(this.#locate(path))).isFile();
    } catch (error) {
      if (isAbsent(error)) return false;
      throw unreadable(this.#locate(path), error);
    }
  }

  async size(path: string): Promise<number> {
    try {
      const stats = await stat(this.#locate(path));
      if (stats.isFile()) return stats.size;
    } catch (error) {
      if (!isAbsent(error)) throw unreadable(this.#locate(path), error);
    }
    throw await this.#missing(path);
  }

  async read(path: string, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    let handle: FileHandle;
    try {
      handle = await open(this.#locate(path), "r");
    } catch (error) {
      throw isAbsent(error) ? await this.#missing(path) : unreadable(this.#locate(path), error);
    }
    try {
      const bytes = new Uint8Array(end - start);
      let done = 0;
      while (done < bytes.length) {
        const { bytesRead } = await handle.read(bytes, done, Math.min(MAX_READ, bytes.length - done), start + done);
        if (bytesRead === 0)
          throw new EngineError("model-damaged", `${path} is damaged: it ends at byte ${start + done}, before byte ${end}.`, this.name);
        done += bytesRead;
      }
      return bytes;
    } catch (error) {
      throw error instanceof EngineError ? error : unreadable(this.#locate(path), error);
    } finally {
      await handle.close();
    }
  }

  #locate(path: string): string {
    return join(this.name, path);
  }

  /** Says which of the two is absent, the file or the whole folder: they call for different remedies. */
  async #missing(path: string): Promise<EngineError> {
    const isFolder = await stat(this.name).then(
      (stats) => stats.isDirectory(),
      () => false,
    );
    return isFolder
      ? new EngineError("model-missing", `${path} is missing from ${this.name}.`)
      : new EngineError("model-missing", `There is no folder ${this.name}.`);
  }
}

function isAbsent(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : null;
  return code === "ENOENT" || code === "ENOTDIR";
}

function unreadable(path: string, error: unknown): EngineError {
  return new EngineError("model-missing", `${path} cannot be read.`, String(error));
}
