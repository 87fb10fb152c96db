// Text to token ids and back, by a model's own tokenizer.json.
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { EngineError } from "../protocol/errors";
import { isRecord, readJson, readJsonIfPresent, type Source } from "../weights/source";
import { adaptDecoder, adaptTokenizer } from "./crate_parity";

const TOKENIZER = "tokenizer.json";
const NAMED_TOKENS = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"] as const;

/**
 * Reads tokenizer.json and, where they exist, tokenizer_config.json and special_tokens_map.json. Throws "model-missing" or "model-damaged".
 */
export async function loadTokenizer(source: Source): Promise<Tokenizer> {
  const json = await readJson(source, TOKENIZER);
  const specialTokens = (await readJsonIfPresent(source, "special_tokens_map.json")) ?? {};
  const config = (await readJsonIfPresent(source, "tokenizer_config.json")) ?? {};
  return new Tokenizer(json, { ...specialTokens, ...config });
}

/** Stands around what `quote` has quoted. A noncharacter, which Unicode keeps out of every text that is exchanged. */
const QUOTE = "\ufdd0";

export class Tokenizer {
  readonly vocabularySize: number; // the highest id, plus one
  readonly bosToken: string | undefined;
  readonly eosToken: string | undefined;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  readonly #library: LibraryTokenizer;
  readonly #special: ReadonlySet<number>;
  readonly #specialTexts: RegExp; // global; the longest first, and in one group for `split`
  readonly #json: Record<string, unknown>;
  readonly #config: Record<string, unknown>;
  #plain: LibraryTokenizer | null = null; // knows no special token; made when it is first needed

  /** From parsed tokenizer.json and tokenizer_config.json. Throws "model-damaged" if the former describes no tokenizer. */
  constructor(json: Record<string, unknown>, config: Record<string, unknown>) {
    try {
      this.#library = new LibraryTokenizer(adaptTokenizer(json), config);
      this.#library.decoder = adaptDecoder(this.#library.decoder);
    } catch (error) {
      throw new EngineError("model-damaged", `${TOKENIZER} is damaged: it describes no tokenizer that is known here.`, String(error));
    }
    this.vocabularySize = this.#library.model?.vocab.length ?? 0;
    this.bosToken = tokenContent(config.bos_token);
    this.eosToken = tokenContent(config.eos_token);
    this.bosId = this.bosToken === undefined ? undefined : this.id(this.bosToken);
    this.eosId = this.eosToken === undefined ? undefined : this.id(this.eosToken);
    this.#special = this.#findSpecial(config);
    const texts = Array.from(this.#special, (id) => this.#library.id_to_token(id) ?? "").filter((text) => text !== "");
    const longestFirst = texts.sort((a, b) => b.length - a.length).map(escaped);
    this.#specialTexts = new RegExp(`(${longestFirst.length > 0 ? longestFirst.join("|") : "(?!)"})`, "g");
    this.#json = json;
    this.#config = config;
  }

  /**
   * The text's token ids; tokens such as `<|im_end|>` in the text become their ids. With `special`, what the tokenizer puts around a text
   * (often a begin token) is added: not wanted for a rendered chat template, which has written it already.
   */
  encode(text: string, options: { readonly special: boolean }): number[] {
    return this.#library.encode(text, { add_special_tokens: options.special }).ids;
  }

  /** The text with special tokens in it quoted, so that `encodeRendered` takes them as text: for what a person typed into a template. */
  quote(text: string): string {
    return text.replaceAll(QUOTE, "").replace(this.#specialTexts, `${QUOTE}$1${QUOTE}`);
  }

  /** The ids of a rendered chat template. What was quoted in it stays text, whatever it says; all other special tokens become their ids. */
  encodeRendered(text: string): number[] {
    if (!text.includes(QUOTE)) return this.encode(text, { special: false });
    // Pairs of marks leave what is quoted at odd places. It is hidden from the split at special tokens, then put back.
    const quoted: string[] = [];
    const hidden = text.split(QUOTE).map((part, index) => {
      if (index % 2 === 0) return part;
      quoted.push(part);
      return QUOTE;
    });
    return hidden
      .join("")
      .split(this.#specialTexts)
      .flatMap((part, index) => {
        if (index % 2 === 1) return [this.id(part) ?? []].flat();
        const plain = part.replaceAll(QUOTE, () => quoted.shift() ?? "");
        return plain === "" ? [] : this.#withoutSpecial().encode(plain, { add_special_tokens: false }).ids;
      });
  }

  #withoutSpecial(): LibraryTokenizer {
    const added: readonly unknown[] = Array.isArray(this.#json.added_tokens) ? this.#json.added_tokens : [];
    const kept = added.filter((token) => !(isRecord(token) && typeof token.id === "number" && this.#special.has(token.id)));
    this.#plain ??= new LibraryTokenizer(adaptTokenizer({ ...this.#json, added_tokens: kept }), this.#config);
    return this.#plain;
  }

  /** The text of the ids, with no clean-up of spaces; ids outside the vocabulary have none. */
  decode(ids: readonly number[], options: { readonly skipSpecial: boolean }): string {
    // The library fails on an empty list and on unknown ids, and looks special tokens up in a list by their text.
    const known = ids.filter((id) => this.#library.id_to_token(id) !== undefined && !(options.skipSpecial && this.#special.has(id)));
    return known.length === 0 ? "" : this.#library.decode(known, { clean_up_tokenization_spaces: false });
  }

  id(token: string): number | undefined {
    return this.#library.token_to_id(token);
  }

  isSpecial(id: number): boolean {
    return this.#special.has(id);
  }

  #findSpecial(config: Record<string, unknown>): ReadonlySet<number> {
    const special = new Set<number>();
    for (const [id, token] of this.#library.get_added_tokens_decoder()) if (token.special) special.add(id);
    const named = NAMED_TOKENS.map((name) => config[name]);
    const additional: readonly unknown[] = Array.isArray(config.additional_special_tokens) ? config.additional_special_tokens : [];
    for (const entry of [...named, ...additional]) {
      const content = tokenContent(entry);
      const id = content === undefined ? undefined : this.id(content);
      if (id !== undefined) special.add(id);
    }
    return special;
  }
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

/** A token in a configuration is its text, or an object that holds it. */
function tokenContent(entry: unknown): string | undefined {
  if (typeof entry === "string") return entry;
  return isRecord(entry) && typeof entry.content === "string" ? entry.content : undefined;
}
