// The tokenizers that the text tests share, and the ids and strings that the Rust crate gives for them (tools/golden makes these).
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Tokenizer } from "../../src/text/tokenizer";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const json = (relative: string): unknown => JSON.parse(readFileSync(path(relative), "utf8"));
const record = (relative: string) => json(relative) as Record<string, unknown>;

export interface TokenizerFixture {
  readonly cases: readonly { readonly text: string; readonly ids: number[]; readonly plain_ids: number[]; readonly decoded: string }[];
  readonly decodes: readonly {
    readonly ids: number[];
    readonly whole: boolean;
    readonly decoded: string;
    readonly decoded_with_special: string;
  }[];
}

export interface TemplateFixture {
  readonly templates: Readonly<Record<string, { readonly source: string; readonly bos_token: string }>>;
  readonly cases: readonly {
    readonly template: string;
    readonly name: string;
    readonly messages: readonly { readonly role: string; readonly content?: unknown }[];
    readonly options: Readonly<Record<string, unknown>>;
    readonly expected?: string;
    readonly error?: string;
    readonly differs?: string;
  }[];
}

export const storiesCases = json("../golden/fixtures/tokenizers/stories260k.json") as TokenizerFixture;
export const smollm2Cases = json("../golden/fixtures/tokenizers/smollm2.json") as TokenizerFixture;
export const templateCases = json("../golden/fixtures/templates.json") as TemplateFixture;

/** A SentencePiece-like vocabulary of 512 with byte tokens; committed. */
export const stories = new Tokenizer(
  record("../golden/fixtures/stories260k/tokenizer.json"),
  record("../golden/fixtures/stories260k/tokenizer_config.json"),
);

/** A byte-level vocabulary of 49,152; too large to commit, so it is only on machines that have the project's shared data. */
const SMOLLM2 = "../../../shared/data/tokenizers/smollm2_tokenizer.json";
export const hasSmollm2 = existsSync(path(SMOLLM2));
export const loadSmollm2 = () => new Tokenizer(record(SMOLLM2), {});

/** A byte-level tokenizer with a token for every byte and a few merges, as tokenizer.json has it. */
export function byteLevelJson(change: Record<string, unknown> = {}): Record<string, unknown> {
  const letters = byteLetters();
  const merges = [
    ["h", "e"],
    ["Ġ", "t"],
    ["Ġt", "he"],
    ["ð", "Ł"],
    ["Ń", "Ĳ"],
  ] as const;
  const tokens = ["<|end|>", "<|im_start|>", "<|im_end|>", ...letters, ...merges.map((pair) => pair.join(""))];
  return {
    added_tokens: [0, 1, 2].map((id) => ({
      id,
      content: tokens[id],
      special: true,
      normalized: false,
      single_word: false,
      lstrip: false,
      rstrip: false,
    })),
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: merges.map((pair) => pair.join(" ")),
    },
    ...change,
  };
}

/** GPT-2's letter for each byte. */
function byteLetters(): string[] {
  const isPrintable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++));
}
