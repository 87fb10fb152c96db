// The text that a model's perplexity is measured on.
import { readFile } from "node:fs/promises";
import { loadTokenizer } from "../text/tokenizer";
import { isRecord, type Source } from "../weights/source";
import { bad } from "./options";

/** What is scored. */
export interface Corpus {
  readonly tokens: readonly number[];
  readonly begin: readonly number[]; // stands before each window; empty or one token
  readonly bytes: number | null; // of the text, where there is one
}

/** Throws "bad-request" where the file cannot be read as text, "model-missing" without a tokenizer. */
export async function readText(path: string, source: Source): Promise<Corpus> {
  const bytes = await readInput(path);
  const text = decodeUtf8(bytes, path);
  const tokenizer = await loadTokenizer(source);
  const { bosId } = tokenizer;
  const begin = bosId !== undefined && tokenizer.encode("", { special: true })[0] === bosId ? [bosId] : [];
  return { tokens: tokenizer.encode(text, { special: false }), begin, bytes: bytes.length };
}

/** Token ids are taken as they are: whoever made them has put in what begins the text. Throws "bad-request". */
export async function readTokens(path: string): Promise<Corpus> {
  let json: unknown;
  try {
    json = JSON.parse((await readInput(path)).toString("utf8"));
  } catch (error) {
    throw error instanceof SyntaxError ? bad(`${path} is not JSON.`, error.message) : error;
  }
  const tokens: unknown = isRecord(json) ? json["tokens"] : json;
  if (!Array.isArray(tokens) || !tokens.every((id): id is number => typeof id === "number" && Number.isSafeInteger(id) && id >= 0)) {
    throw bad(`${path} has no list of token ids.`);
  }
  return { tokens, begin: [], bytes: null };
}

async function readInput(path: string): Promise<Buffer> {
  return readFile(path).catch((error: unknown) => {
    throw bad(`${path} cannot be read.`, error instanceof Error ? error.message : String(error));
  });
}

function decodeUtf8(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw bad(`${path} is not UTF-8 text.`);
  }
}

/** The text in windows of at most `length` tokens that share nothing. One that has nothing to score is left out. */
export function* windowsOf({ tokens, begin }: Corpus, length: number): Generator<readonly number[]> {
  const step = length - begin.length;
  for (let from = 0; from < tokens.length; from += step) {
    const window = [...begin, ...tokens.slice(from, from + step)];
    if (window.length > 1) yield window;
  }
}
