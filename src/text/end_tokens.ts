// Which tokens end a reply. Checkpoints disagree with themselves about this, so every place that names one is believed.
import type { Tokenizer } from "./tokenizer";

/** Tokens with which the chat templates of known families end a turn, and with which their pretraining ended a text. */
const KNOWN_ENDS = ["<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|endoftext|>"] as const;

/** From config.json, generation_config.json and, where there is one, the tokenizer. `eos_token_id` is a number, a list, or absent. */
export function endTokens(
  config: Readonly<Record<string, unknown>>,
  generationConfig: Readonly<Record<string, unknown>>,
  tokenizer: Tokenizer | null,
): ReadonlySet<number> {
  const candidates: unknown[] = [config.eos_token_id, generationConfig.eos_token_id].flat();
  if (tokenizer !== null) candidates.push(tokenizer.eosId, ...KNOWN_ENDS.map((token) => tokenizer.id(token)));
  return new Set(candidates.filter((id) => typeof id === "number" && Number.isInteger(id) && id >= 0) as number[]);
}
