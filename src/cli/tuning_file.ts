import { readFile, rename, writeFile } from "node:fs/promises";
import type { Tuning, TuningStore } from "../engine/tuning";
import { bad } from "./options";

/** Keeps tunings in a JSON file. A file that is not there yet is made; one that holds anything else is left alone: "bad-request". */
export async function openTunings(path: string): Promise<TuningStore> {
  const kept = new Map<string, unknown>(Object.entries(await readTunings(path)));
  return {
    get: async (key) => kept.get(key),
    async put(key: string, tuning: Tuning) {
      kept.set(key, tuning);
      // Beside it first, so that a process that is ended meanwhile leaves the file whole.
      await writeFile(`${path}.part`, `${JSON.stringify(Object.fromEntries(kept), null, 2)}\n`);
      await rename(`${path}.part`, path);
    },
  };
}

async function readTunings(path: string): Promise<object> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw bad(`${path} cannot be read.`, String(error));
  }
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === "object" && json !== null && !Array.isArray(json)) return json;
  } catch {
    // said below
  }
  throw bad(`${path} is not a file of tunings.`);
}
