// Models at the edges: odd widths, one layer, one head, few tokens; in every quantised precision, as this device and called a GPU.
import { expect, test } from "vitest";
import { Engine } from "../../src/engine/engine";
import { type ModelShapeFile, randomCheckpoint } from "../../src/engine/random_checkpoint";
import { useGpu } from "../setup/gpu";
import { logitsOf } from "../setup/models";

const bench = useGpu();
interface Size {
  readonly hidden: number;
  readonly ff: number;
  readonly heads: number;
  readonly kv: number;
  readonly hd: number;
  readonly vocabulary: number;
  readonly layers: number;
  readonly taps?: number;
  readonly types?: readonly string[];
}
function shape({ hidden, ff, heads, kv, hd, vocabulary, layers, taps, types }: Size): ModelShapeFile {
  const common = {
    vocab_size: vocabulary,
    hidden_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kv,
    head_dim: hd,
    max_position_embeddings: 400,
  };
  if (taps) {
    return {
      config: { ...common, model_type: "lfm2", block_ff_dim: ff, block_auto_adjust_ff_dim: false, layer_types: types, conv_L_cache: taps },
      others: {
        "model.layers.*.operator_norm.weight": [hidden],
        "model.layers.*.ffn_norm.weight": [hidden],
        "model.layers.*.conv.conv.weight": [hidden, 1, taps],
        "model.layers.*.self_attn.q_layernorm.weight": [hd],
        "model.layers.*.self_attn.k_layernorm.weight": [hd],
        "model.embedding_norm.weight": [hidden],
      },
    };
  }
  return {
    config: { ...common, model_type: "llama", intermediate_size: ff, tie_word_embeddings: true },
    others: {
      "model.layers.*.input_layernorm.weight": [hidden],
      "model.layers.*.post_attention_layernorm.weight": [hidden],
      "model.norm.weight": [hidden],
    },
  };
}
const sizes: readonly Size[] = [
  { hidden: 30, ff: 31, heads: 1, kv: 1, hd: 4, vocabulary: 5, layers: 1 },
  { hidden: 33, ff: 7, heads: 7, kv: 1, hd: 12, vocabulary: 33, layers: 2 },
  { hidden: 1026, ff: 2050, heads: 8, kv: 1, hd: 80, vocabulary: 129, layers: 1 },
  { hidden: 512, ff: 512, heads: 4, kv: 4, hd: 96, vocabulary: 64, layers: 1 },
  { hidden: 47, ff: 95, heads: 3, kv: 1, hd: 8, vocabulary: 61, layers: 3, taps: 2, types: ["conv", "full_attention", "conv"] },
  { hidden: 66, ff: 34, heads: 2, kv: 1, hd: 256, vocabulary: 61, layers: 3, taps: 6, types: ["conv", "conv", "full_attention"] },
  { hidden: 40, ff: 34, heads: 1, kv: 1, hd: 40, vocabulary: 61, layers: 1, taps: 3, types: ["conv"] },
];
test.each(
  sizes.flatMap((size) =>
    (["w8a8", "w4a8"] as const).flatMap((precision) => [true, false].map((software) => ({ size, precision, software }))),
  ),
)(
  "$size $precision software $software",
  ({ size, precision, software }) =>
    bench.run(async () => {
      const checkpoint = randomCheckpoint("edge", shape(size), precision);
      const engine = await Engine.load({ ...bench.gpu, software }, checkpoint, { maxRows: 64, maxHeadRows: 64, contextLength: 300 });
      expect(engine.exact).toBe(true);
      const tokens = Array.from({ length: 200 }, (_, i) => (i * 7) % size.vocabulary);
      const together = await logitsOf(engine, tokens, 64);
      expect(together.every(Number.isFinite)).toBe(true);
      const some = (all: Float32Array) => all;
      for (const rows of [1, 3, 16, 37]) {
        const apart = await logitsOf(engine, rows === 1 ? tokens.slice(0, 140) : tokens, rows);
        const off = some(apart).findIndex((x, i) => x !== together[i]);
        expect(off, `${rows} rows`).toBe(-1);
      }
      engine.dispose();
    }),
  300_000,
);
