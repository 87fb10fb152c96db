// How tokens are drawn, from the command line and, for a chat, from what the model's makers advise.
import type { Sampling } from "../protocol/messages";
import { numberOption, type Options, seedOption, type Values } from "./options";

export const SAMPLING_OPTIONS = {
  seed: { type: "string", value: "N", help: "what chance depends on, decimal or 0x hexadecimal, 64 bits (default 0)" },
  temperature: { type: "string", value: "T", help: "0 always takes the likeliest token (default 0; with --chat the model's own)" },
  "top-k": { type: "string", value: "K", help: "draw from the K likeliest tokens; 0 is off" },
  "top-p": { type: "string", value: "P", help: "draw from the likeliest tokens that share the probability P; 1 is off" },
  "min-p": { type: "string", value: "P", help: "draw from tokens at least P times as likely as the likeliest; 0 is off" },
  "repetition-penalty": { type: "string", value: "R", help: "divides the scores of tokens already in prompt or reply; 1 is off" },
  "presence-penalty": { type: "string", value: "R", help: "taken from the score of a token already in the reply; 0 is off" },
  "frequency-penalty": { type: "string", value: "R", help: "taken as often as the token is in the reply; 0 is off" },
} as const satisfies Options;

const GREEDY = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0 };

/** The options as given, over the model's defaults in a chat and over greedy decoding otherwise. Throws EngineError "bad-request". */
export function samplingFrom(values: Values<typeof SAMPLING_OPTIONS>, defaults: Omit<Sampling, "seed"> = GREEDY): Sampling {
  const option = (name: Exclude<keyof typeof SAMPLING_OPTIONS, "seed">) => numberOption(values[name], name);
  return {
    seed: seedOption(values.seed),
    temperature: option("temperature") ?? defaults.temperature,
    topK: option("top-k") ?? defaults.topK,
    topP: option("top-p") ?? defaults.topP,
    minP: option("min-p") ?? defaults.minP,
    repetitionPenalty: option("repetition-penalty") ?? defaults.repetitionPenalty,
    presencePenalty: option("presence-penalty") ?? defaults.presencePenalty,
    frequencyPenalty: option("frequency-penalty") ?? defaults.frequencyPenalty,
  };
}
