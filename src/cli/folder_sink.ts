import { appendFile, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { MANIFEST_PATH, parseManifest } from "../weights/package";
import type { PackageSink } from "../weights/package_writer";
import { readJson } from "../weights/source";
import { FolderSource } from "./folder_source";
import { bad } from "./options";

/** A package as files in a folder. */
export class FolderSink implements PackageSink {
  readonly #folder: string;
  readonly #written = new Set<string>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes the folder, or clears an older package out of it. Throws "bad-request" where it holds anything else. */
  static async open(folder: string): Promise<FolderSink> {
    const sink = new FolderSink(folder);
    try {
      await mkdir(folder, { recursive: true });
      const present = await readdir(folder);
      if (present.includes(MANIFEST_PATH)) await sink.#removeOld();
      else if (present.length > 0) throw bad(`${folder} is neither empty nor a Gyre package, so it is left as it is.`);
    } catch (error) {
      throw unwritable(folder, error);
    }
    return sink;
  }

  async write(path: string, chunkIndex: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const target = join(this.#folder, path);
    try {
      if (chunkIndex === 0) {
        await mkdir(dirname(target), { recursive: true });
        this.#written.add(path);
        await writeFile(target, bytes);
      } else {
        await appendFile(target, bytes);
      }
    } catch (error) {
      throw unwritable(target, error);
    }
  }

  /** Removes what was written, after a failure. */
  async discard(): Promise<void> {
    for (const path of this.#written) await rm(join(this.#folder, path), { force: true });
  }

  async #removeOld(): Promise<void> {
    const { files } = parseManifest(await readJson(new FolderSource(this.#folder), MANIFEST_PATH));
    // First what makes it a package: should this be cut short, no broken package is left.
    await rm(join(this.#folder, MANIFEST_PATH));
    for (const { path } of files) await rm(join(this.#folder, path), { force: true });
  }
}

function unwritable(path: string, error: unknown): Error {
  if (error instanceof Error && "code" in error && typeof error.code === "string" && "syscall" in error) {
    return bad(`${path} cannot be written.`, error.message);
  }
  return error instanceof Error ? error : new Error(String(error));
}
