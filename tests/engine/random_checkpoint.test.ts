import { expect, test } from "vitest";
import { SHAPES, shapeNamed } from "../../src/cli/shapes";
import { operationsOf } from "../../src/engine/operations";
import { randomCheckpoint } from "../../src/engine/random_checkpoint";
import { expandInt4 } from "../../src/quantize/int4";

// Parameters that the models' own pages and files give.
const PARAMETERS: Readonly<Record<string, number>> = {
  "LFM2.5-350M": 354_483_968,
  "LFM2.5-1.2B": 1_170_340_608,
  "Llama-3.2-1B": 1_235_814_400,
  "SmolLM2-135M": 134_515_008,
  "SmolLM2-360M": 361_821_120,
  "Qwen3-0.6B": 596_049_920,
  stories15M: 15_191_712,
  stories42M: 41_689_600,
  stories110M: 109_529_856,
};

test.each(Object.keys(SHAPES))("%s has the weights of the real model, and says how many", (name) => {
  const { tensors, packed } = randomCheckpoint(name, shapeNamed(name));
  const weights = [...tensors.values()].filter((tensor) => !tensor.name.endsWith(".weight_scale"));
  expect(weights.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(PARAMETERS[name]);
  expect(packed?.parameters).toBe(PARAMETERS[name]);
});

test("a shape cut to fewer layers keeps the types of those", () => {
  const { config } = shapeNamed("LFM2.5-350M", 3);
  expect(config["layer_types"]).toEqual(["conv", "conv", "full_attention"]);
  const { tensors } = randomCheckpoint("cut", shapeNamed("LFM2.5-350M", 3));
  expect(tensors.has("model.layers.2.feed_forward.w1.weight")).toBe(true);
  expect(tensors.has("model.layers.3.feed_forward.w1.weight")).toBe(false);
  expect(() => shapeNamed("LFM2.5-350M", 17)).toThrow(expect.objectContaining({ code: "bad-request" }));
  expect(() => shapeNamed("LFM3")).toThrow(expect.objectContaining({ code: "bad-request" }));
});

test("weights are the same each time, whole or in rows, and codes stay within 127", async () => {
  const make = () => randomCheckpoint("SmolLM2-135M", shapeNamed("SmolLM2-135M", 1));
  const name = "model.layers.0.self_attn.q_proj.weight";
  const whole = await make().tensor(name);
  expect(whole.length).toBe(576 * 576);
  expect(await make().tensor(name)).toEqual(whole);
  expect(await make().tensor(name, 0, 100)).toEqual(whole.slice(0, 100 * 576));
  const codes = new Int8Array(whole.buffer);
  expect(codes.reduce((low, code) => Math.min(low, code), 0)).toBe(-127);
  expect(codes.reduce((high, code) => Math.max(high, code), 0)).toBe(127);
  const scales = new Float32Array((await make().tensor(`${name}_scale`)).buffer);
  // Rows keep the size of what they multiply: the sum of squares of a row of weights is about one.
  const squares = codes.subarray(0, 576).reduce((sum, code) => sum + (code * scales[0]!) ** 2, 0);
  expect(squares).toBeGreaterThan(0.7);
  expect(squares).toBeLessThan(1.4);
  await expect(make().tensor("model.layers.1.mlp.up_proj.weight")).rejects.toMatchObject({ code: "model-missing" });
});

test("in W4A8 no code is -8, rows keep the size of what they multiply, and the table stays INT8", async () => {
  const checkpoint = randomCheckpoint("SmolLM2-135M", shapeNamed("SmolLM2-135M", 1), "w4a8");
  const name = "model.layers.0.self_attn.q_proj";
  const [codes, groups, scales] = await Promise.all(
    ["weight", "weight_groups", "weight_scale"].map((part) => checkpoint.tensor(`${name}.${part}`)),
  );
  const rows = { codes: codes!, groups: groups!, scales: new Float32Array(scales!.buffer) };
  expect(rows.codes.length).toBe(576 * 288);
  expect(rows.codes.some((byte) => (byte & 15) === 0 || byte >> 4 === 0)).toBe(false);
  const expanded = expandInt4(rows, 576).codes.subarray(0, 100 * 576);
  const squares = expanded.reduce((sum, code) => sum + (code * rows.scales[0]!) ** 2, 0) / 100;
  expect(squares).toBeGreaterThan(0.9);
  expect(squares).toBeLessThan(1.1);
  expect(checkpoint.tensors.get("model.embed_tokens.weight")?.dtype).toBe("I8");
  expect(checkpoint.packed?.parameters).toBe(randomCheckpoint("SmolLM2-135M", shapeNamed("SmolLM2-135M", 1)).packed?.parameters);
});

test("operations are two a weight, with the head apart, tied or not", () => {
  const config = { ...shapeNamed("stories15M").config };
  const body = 2 * 6 * (4 * 288 * 288 + 3 * 288 * 768);
  const head = 2 * 288 * 32_000;
  expect(operationsOf(config)).toEqual({ body, head });
  expect(operationsOf({ ...config, tie_word_embeddings: false })).toEqual({ body, head });
});
