import { fingerprint, type Vocabulary } from "../speculate/fingerprint";
import type { Tokenizer } from "../text/tokenizer";
import type { Source } from "../weights/source";

/** What tables of token ids are made for and checked against. Throws EngineError "model-missing". */
export async function vocabularyOf(source: Source, tokenizer: Tokenizer): Promise<Vocabulary> {
  const file = "tokenizer.json";
  return { size: tokenizer.vocabularySize, fingerprint: fingerprint(await source.read(file, 0, await source.size(file))) };
}
