// Vocabularies whose tables are larger than a binding may be: cut into parts, they give the same bits.
import { expect, test } from "vitest";
import { Engine } from "../../src/engine/engine";
import { narrowToBF16 } from "../../src/quantize/floats";
import { openCheckpoint } from "../../src/weights/checkpoint";
import type { Checkpoint } from "../../src/weights/source";
import { randomFloats, useGpu } from "../setup/gpu";
import { limitedGpu } from "../setup/limited_gpu";
import { logitsOf, reply } from "../setup/models";
import { concat, MemorySource, safetensors } from "../weights/memory_source";

const bench = useGpu();

const VOCABULARY = 3000;
const HIDDEN = 64;
// Of the first, the middle and the last part, and at the edges between them.
const tokens = [1, 2999, 1500, 999, 1000, 1999, 2000, 0];

/** A model that is nearly all vocabulary: one small layer between a table and, unless they are one, a head. */
function wideModel(tied: boolean, dtype: "F32" | "BF16"): Promise<Checkpoint> {
  const layer = "model.layers.0";
  const square = [HIDDEN, HIDDEN];
  const shapes: Readonly<Record<string, readonly number[]>> = {
    "model.embed_tokens.weight": [VOCABULARY, HIDDEN],
    ...(!tied && { "lm_head.weight": [VOCABULARY, HIDDEN] }),
    "model.norm.weight": [HIDDEN],
    [`${layer}.input_layernorm.weight`]: [HIDDEN],
    [`${layer}.post_attention_layernorm.weight`]: [HIDDEN],
    ...Object.fromEntries(["q", "k", "v", "o"].map((name) => [`${layer}.self_attn.${name}_proj.weight`, square])),
    [`${layer}.mlp.gate_proj.weight`]: [96, HIDDEN],
    [`${layer}.mlp.up_proj.weight`]: [96, HIDDEN],
    [`${layer}.mlp.down_proj.weight`]: [HIDDEN, 96],
  };
  const header: Record<string, unknown> = {};
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [i, [name, shape]] of Object.entries(shapes).entries()) {
    const floats = randomFloats(
      shape.reduce((a, b) => a * b, 1),
      100 + i,
    );
    const data = new Uint8Array(dtype === "F32" ? floats.buffer : narrowToBF16(floats).buffer);
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.length] };
    offset += data.length;
    parts.push(data);
  }
  const config = {
    model_type: "llama",
    hidden_size: HIDDEN,
    intermediate_size: 96,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    vocab_size: VOCABULARY,
    max_position_embeddings: 64,
    tie_word_embeddings: tied,
  };
  return openCheckpoint(new MemorySource({ "config.json": config, "model.safetensors": safetensors(header, concat(...parts)) }));
}

// A limit of bytes that cuts the table in three, and is enough for all else.
test.each([
  ["w8a8", "tied", "F32", 80_000],
  ["w4a8", "untied", "BF16", 80_000],
  ["full", "untied", "F32", 300_000],
  ["full", "tied", "BF16", 150_000],
] as const)("%s, %s, of %s: a table in three parts gives the bits of a whole one", (precision, tied, dtype, limit) =>
  bench.run(async () => {
    const checkpoint = await wideModel(tied === "tied", dtype);
    const options = { precision, maxRows: 4, maxHeadRows: 4 } as const;
    const whole = await Engine.load(bench.gpu, checkpoint, options);
    const expected = await logitsOf(whole, tokens, 4);
    expect(expected.filter((x) => x === 0).length).toBeLessThan(10); // every column of every row was written

    const parted = await Engine.load(limitedGpu(bench.gpu, limit), checkpoint, options);
    expect(await logitsOf(parted, tokens, 4)).toEqual(expected);
    expect(await logitsOf(parted, tokens, 1), "one row a pass").toEqual(expected);
    // As many bytes, but for where a part's scales end between two whole vectors.
    expect(Math.abs(parted.memory.weightBytes - whole.memory.weightBytes)).toBeLessThan(3 * 16);
    // A limit that is too low for the rest of the model is told.
    await expect(Engine.load(limitedGpu(bench.gpu, 8000), checkpoint, options)).rejects.toMatchObject({ code: "out-of-memory" });

    // Of three parts of 1,000 the second is cut short and the third is left out.
    const live = await Engine.load(limitedGpu(bench.gpu, limit), checkpoint, { ...options, liveTokens: 1500 });
    const some = await logitsOf(live, tokens, 4);
    const isLive = (_: number, i: number) => i % VOCABULARY < 1500;
    expect(some.filter(isLive)).toEqual(expected.filter(isLive));
    // In a pass's first row are what the self-test wrote; in the others nobody wrote.
    const isUntouched = (_: number, i: number) => !isLive(0, i) && Math.floor(i / VOCABULARY) % 4 > 0;
    expect(some.filter(isUntouched).every((x) => x === 0)).toBe(true);
    const { tokens: drawn } = await reply(live, tokens);
    expect(drawn.every((token) => token < 1500)).toBe(true);
    for (const engine of [whole, parted, live]) engine.dispose();
  }),
);

test("a vocabulary too large to draw from is refused before any weights are read", async () => {
  const checkpoint = await wideModel(true, "F32");
  const [name, table] = [...checkpoint.tensors].find(([, { shape }]) => shape[0] === VOCABULARY)!;
  const load = (size: number) => {
    const config = { ...checkpoint.config, vocab_size: size };
    const tensors = new Map(checkpoint.tensors).set(name, { ...table, shape: [size, HIDDEN] });
    return Engine.load(bench.gpu, { ...checkpoint, config, tensors, tensor: () => Promise.reject(new Error("weights are read")) });
  };
  await expect(load(262_145)).rejects.toMatchObject({
    code: "model-unsupported",
    message: "This model cannot be run: its vocabulary has 262145 tokens, and 262144 are the most that can be drawn from.",
  });
  await expect(load(262_144)).rejects.toThrow("weights are read");
});
