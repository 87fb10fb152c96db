// Where @huggingface/tokenizers 0.2.0 departs from the Rust crate that made every tokenizer.json, and what is done about it. Each
// difference was found by comparing ids and strings with the crate; tests/text holds the cases. Remove an entry when the library mends it.
import { ByteFallbackDecoder, type Decoder, SequenceDecoder } from "@huggingface/tokenizers";
import { isRecord } from "../weights/source";

/** The pattern that the crate's ByteLevel pre-tokenizer splits by (GPT-2's). */
const GPT2_PATTERN = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/** A tokenizer.json with the same meaning, in terms that the library gets right. */
export function adaptTokenizer(json: Record<string, unknown>): Record<string, unknown> {
  return {
    normalizer: null,
    post_processor: null,
    decoder: null,
    ...json,
    added_tokens: Array.isArray(json.added_tokens) ? json.added_tokens : [],
    pre_tokenizer: adaptPreTokenizer(json.pre_tokenizer ?? null),
  };
}

function adaptPreTokenizer(config: unknown): unknown {
  if (!isRecord(config)) return config;
  if (config.type === "Sequence" && Array.isArray(config.pretokenizers)) {
    return { ...config, pretokenizers: config.pretokenizers.map(adaptPreTokenizer) };
  }
  // The crate's Digits takes every Unicode number for a digit; the library only 0 to 9.
  if (config.type === "Digits") return isolate(config.individual_digits === true ? "\\p{N}" : "\\p{N}+");
  // The library's ByteLevel splits by JavaScript's \s, which has U+FEFF and lacks U+0085; its Split rewrites \s as the crate has it. A
  // prefix space goes in before the split, so that kind is left alone.
  if (config.type === "ByteLevel" && config.use_regex !== false && config.add_prefix_space === false) {
    return { type: "Sequence", pretokenizers: [isolate(GPT2_PATTERN), { ...config, use_regex: false }] };
  }
  return config;
}

function isolate(regex: string): Record<string, unknown> {
  return { type: "Split", pattern: { Regex: regex }, behavior: "Isolated", invert: false };
}

/** Replaces the library's ByteFallback decoder, wherever it stands, by one that decodes as the crate does. */
export function adaptDecoder(decoder: Decoder | null): Decoder | null {
  if (decoder instanceof SequenceDecoder) {
    decoder.decoders = decoder.decoders.map((part) => adaptDecoder(part) ?? part);
    return decoder;
  }
  return decoder instanceof ByteFallbackDecoder ? new WholeRunByteFallback({ type: "ByteFallback" }) : decoder;
}

/**
 * Byte tokens `<0x..>` back to text. The crate decodes a run of them only if the whole run is UTF-8, else every byte becomes U+FFFD, and it
 * keeps a byte order mark; the library replaces the bad parts only, and drops the mark.
 */
class WholeRunByteFallback extends ByteFallbackDecoder {
  readonly #utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  override decode_chain(tokens: string[]): string[] {
    const texts: string[] = [];
    let run: number[] = [];
    const endRun = () => {
      if (run.length > 0) texts.push(this.#decodeRun(run));
      run = [];
    };
    for (const token of tokens) {
      const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
      if (byte === undefined) {
        endRun();
        texts.push(token);
      } else {
        run.push(Number.parseInt(byte, 16));
      }
    }
    endRun();
    return texts;
  }

  #decodeRun(bytes: readonly number[]): string {
    try {
      return this.#utf8.decode(Uint8Array.from(bytes));
    } catch {
      return "\uFFFD".repeat(bytes.length);
    }
  }
}
