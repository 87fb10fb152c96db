// A Source over bytes in memory, for tests.
import { EngineError } from "../../src/protocol/errors";
import type { Source } from "../../src/weights/source";

export type Files = Readonly<Record<string, Uint8Array<ArrayBuffer> | string | object>>;

/** Strings are stored as UTF-8, other objects as JSON. */
export class MemorySource implements Source {
  readonly name = "memory";
  readonly #files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

  constructor(files: Files) {
    this.#files = new Map(Object.entries(files).map(([path, content]) => [path, toBytes(content)]));
  }

  async has(path: string): Promise<boolean> {
    return this.#files.has(path);
  }

  async size(path: string): Promise<number> {
    return this.#file(path).length;
  }

  async read(path: string, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const file = this.#file(path);
    if (end > file.length)
      throw new EngineError("model-damaged", `${path} is damaged: it ends at byte ${file.length}, before byte ${end}.`);
    return file.slice(start, end);
  }

  #file(path: string): Uint8Array<ArrayBuffer> {
    const file = this.#files.get(path);
    if (file === undefined) throw new EngineError("model-missing", `${path} is missing.`);
    return file;
  }
}

export function toBytes(content: Uint8Array<ArrayBuffer> | string | object): Uint8Array<ArrayBuffer> {
  if (content instanceof Uint8Array) return content;
  return new TextEncoder().encode(typeof content === "string" ? content : JSON.stringify(content));
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** A safetensors file with any header, true or false. */
export function safetensors(header: unknown, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const json = toBytes(typeof header === "string" ? header : JSON.stringify(header));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(json.length), true);
  return concat(length, json, data);
}
