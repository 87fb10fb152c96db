// Models of sizes that nothing divides: odd widths, one layer, one head, few tokens.
import { expect, test } from "vitest";
import { Engine } from "../../src/engine/engine";
import { type ModelShapeFile, randomCheckpoint } from "../../src/engine/random_checkpoint";
import type { ModelShape } from "../kernels/all_steps";
import { useGpu } from "../setup/gpu";
import { logitsOf } from "../setup/models";

const bench = useGpu();
const TOKENS = 140; // into a second chunk of keys

interface Size extends Omit<ModelShape, "name" | "taps"> {
  readonly layers: number;
  readonly taps?: number;
  readonly types?: readonly ("conv" | "full_attention")[];
}

/** LFM2 where it has taps, else Llama. */
function shapeOf({ hidden, feedForward, heads, kvHeads, headDim, vocabulary, layers, taps, types }: Size): ModelShapeFile {
  const common = {
    vocab_size: vocabulary,
    hidden_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim: headDim,
    max_position_embeddings: 400,
  };
  if (taps) {
    return {
      config: {
        ...common,
        model_type: "lfm2",
        block_ff_dim: feedForward,
        block_auto_adjust_ff_dim: false,
        layer_types: types,
        conv_L_cache: taps,
      },
      others: {
        "model.layers.*.operator_norm.weight": [hidden],
        "model.layers.*.ffn_norm.weight": [hidden],
        "model.layers.*.conv.conv.weight": [hidden, 1, taps],
        "model.layers.*.self_attn.q_layernorm.weight": [headDim],
        "model.layers.*.self_attn.k_layernorm.weight": [headDim],
        "model.embedding_norm.weight": [hidden],
      },
    };
  }
  return {
    config: { ...common, model_type: "llama", intermediate_size: feedForward, tie_word_embeddings: true },
    others: {
      "model.layers.*.input_layernorm.weight": [hidden],
      "model.layers.*.post_attention_layernorm.weight": [hidden],
      "model.norm.weight": [hidden],
    },
  };
}

const cases: readonly (readonly [string, "w8a8" | "w4a8", "this device" | "a GPU", Size])[] = [
  [
    "one head of 4 and five tokens",
    "w8a8",
    "a GPU",
    { hidden: 30, feedForward: 31, heads: 1, kvHeads: 1, headDim: 4, vocabulary: 5, layers: 1 },
  ],
  [
    "seven heads that share one",
    "w4a8",
    "this device",
    { hidden: 33, feedForward: 7, heads: 7, kvHeads: 1, headDim: 12, vocabulary: 33, layers: 2 },
  ],
  [
    "two taps, three heads of 8",
    "w4a8",
    "this device",
    {
      hidden: 47,
      feedForward: 95,
      heads: 3,
      kvHeads: 1,
      headDim: 8,
      vocabulary: 61,
      layers: 2,
      taps: 2,
      types: ["conv", "full_attention"],
    },
  ],
  [
    "six taps, heads of 256",
    "w8a8",
    "this device",
    {
      hidden: 66,
      feedForward: 34,
      heads: 2,
      kvHeads: 1,
      headDim: 256,
      vocabulary: 61,
      layers: 2,
      taps: 6,
      types: ["conv", "full_attention"],
    },
  ],
  [
    "a convolution alone",
    "w4a8",
    "a GPU",
    { hidden: 40, feedForward: 34, heads: 1, kvHeads: 1, headDim: 40, vocabulary: 61, layers: 1, taps: 3, types: ["conv"] },
  ],
];

test.each(cases)("%s, in %s by the variants of %s: a row has the same bits in passes of any size", (_, precision, device, size) =>
  bench.run(async () => {
    const gpu = device === "a GPU" ? { ...bench.gpu, software: false } : bench.gpu;
    const checkpoint = randomCheckpoint("odd", shapeOf(size), precision);
    const engine = await Engine.load(gpu, checkpoint, { maxRows: 64, maxHeadRows: 64, contextLength: 200 });
    // Where it is called a GPU, the self-test has held passes of one row to others, and to trees; in software there is nothing to hold.
    if (!gpu.software) expect(engine.exact).toBe(true);
    const tokens = Array.from({ length: TOKENS }, (__, i) => (i * 7) % size.vocabulary);
    const together = await logitsOf(engine, tokens, 64);
    expect(together.every(Number.isFinite)).toBe(true);
    for (const rows of device === "a GPU" ? [3, 37] : [1, 3, 16, 37]) {
      const apart = await logitsOf(engine, tokens, rows);
      const off = apart.findIndex((x, i) => x !== together[i]);
      expect(off, `${rows} rows`).toBe(-1);
    }
    engine.dispose();
  }),
);
