import { expect, test } from "vitest";
import { samplingDefaults } from "../../src/engine/sampling_defaults";

test("values of generation_config.json are taken", () => {
  const config = { do_sample: true, temperature: 0.3, top_k: 50, top_p: 0.9, min_p: 0.15, repetition_penalty: 1.05, eos_token_id: 7 };
  expect(samplingDefaults(config)).toEqual({
    temperature: 0.3,
    topK: 50,
    topP: 0.9,
    minP: 0.15,
    repetitionPenalty: 1.05,
    presencePenalty: 0,
    frequencyPenalty: 0,
  });
});

test("do_sample false is greedy, and what is missing or no number gets a default", () => {
  expect(samplingDefaults({ do_sample: false, temperature: 0.9 }).temperature).toBe(0);
  expect(samplingDefaults({ temperature: "hot", top_p: Number.NaN })).toMatchObject({ temperature: 0.7, topP: 0.95 });
});
