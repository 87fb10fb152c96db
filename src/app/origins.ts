// What the page calls those who propose tokens.
import type { TokenOrigin } from "../protocol/messages";

export const ORIGIN_NAMES: Readonly<Record<TokenOrigin, string>> = {
  model: "the model itself",
  suffix: "seen earlier in this chat",
  ngram: "the model's habits",
  personal: "learnt on this device",
  draft: "the smaller model",
};
