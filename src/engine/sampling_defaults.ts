import type { Sampling } from "../protocol/messages";

/**
 * How a model wants to be sampled, by its generation_config.json. What it leaves out gets a value that suits small chat models; a value of
 * the wrong type counts as left out. `do_sample: false` means greedy decoding, which is temperature 0.
 */
export function samplingDefaults(config: Readonly<Record<string, unknown>>): Omit<Sampling, "seed"> {
  const number = (name: string, otherwise: number) => {
    const value = config[name];
    return typeof value === "number" && Number.isFinite(value) ? value : otherwise;
  };
  return {
    temperature: config["do_sample"] === false ? 0 : number("temperature", 0.7),
    topK: number("top_k", 0),
    topP: number("top_p", 0.95),
    minP: number("min_p", 0),
    repetitionPenalty: number("repetition_penalty", 1),
    presencePenalty: 0,
    frequencyPenalty: 0,
  };
}
