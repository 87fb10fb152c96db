// Whether a table of token ids belongs to a tokenizer: ids of another one mean other words.
import { EngineError } from "../protocol/errors";

/** What ids in a table mean. */
export interface Vocabulary {
  readonly size: number; // ids below this
  readonly fingerprint: number; // of tokenizer.json, see `fingerprint`
}

/** 32 bits of a file's bytes, against mistakes and not against malice. Fowler, Noll and Vo's hash 1a. */
export function fingerprint(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** Throws EngineError "model-damaged" unless the table was made for this vocabulary. */
export function expectVocabulary(what: string, found: Vocabulary, expected: Vocabulary): void {
  if (found.size === expected.size && found.fingerprint === expected.fingerprint) return;
  const detail = `${found.size} tokens of ${found.fingerprint.toString(16)}, not ${expected.size} of ${expected.fingerprint.toString(16)}`;
  throw new EngineError("model-damaged", `${what} was made for another tokenizer.`, detail);
}
