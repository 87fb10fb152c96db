import { expect, test } from "vitest";
import { samplingFrom } from "../../src/cli/sampling_options";

const off = { topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0 };

test("is greedy with every filter off unless told otherwise", () => {
  expect(samplingFrom({})).toEqual({ ...off, temperature: 0, seed: 0n });
});

test("takes each option to its place", () => {
  const values = {
    seed: "0x10",
    temperature: "0.5",
    "top-k": "7",
    "top-p": "0.9",
    "min-p": "0.1",
    "repetition-penalty": "1.1",
    "presence-penalty": "-0.2",
    "frequency-penalty": "0.3",
  };
  expect(samplingFrom(values)).toEqual({
    seed: 16n,
    temperature: 0.5,
    topK: 7,
    topP: 0.9,
    minP: 0.1,
    repetitionPenalty: 1.1,
    presencePenalty: -0.2,
    frequencyPenalty: 0.3,
  });
});

test("options go before the model's defaults", () => {
  const defaults = { ...off, temperature: 0.3, minP: 0.15, repetitionPenalty: 1.05 };
  expect(samplingFrom({ temperature: "0", seed: "9" }, defaults)).toEqual({ ...defaults, temperature: 0, seed: 9n });
});
