// LFM2 and LFM2.5 (Liquid AI 2025): layers of gated short convolution or grouped-query attention with normed queries and keys, each followed
// by a gated feed-forward layer. Both spellings of config.json are read; what they mean is transformers' Lfm2Config.

import type { FloatRows, Rows } from "../kernels/tensors";
import {
  type AttentionSpec,
  attentionBlock,
  attentionLinears,
  biases,
  expectHeads,
  type FeedForwardSpec,
  feedForwardBlock,
  feedForwardLinears,
  linear,
  uploadAngles,
} from "./blocks";
import type { Builder } from "./builder";
import { countOf, damaged, flagOf, type Json, listOf, numberOf, unsupported } from "./config";
import type { Family, Model } from "./family";
import { parseRope } from "./rope";
import type { LinearSpec, WeightLoader } from "./weights";

const EMBED = "model.embed_tokens";

interface ConvSpec {
  readonly prefix: string; // "model.layers.0.conv."
  readonly hidden: number;
  readonly taps: number;
  readonly bias: boolean; // of both projections and of the convolution
}

function parse(config: Json): Model {
  const hidden = countOf(config, ["hidden_size"]);
  const heads = countOf(config, ["num_attention_heads"]);
  const kvHeads = countOf(config, ["num_key_value_heads"], heads);
  const headDim = countOf(config, ["head_dim"], hidden / heads);
  const vocabularySize = countOf(config, ["vocab_size"]);
  const maxPositions = countOf(config, ["max_position_embeddings"], 128_000);
  const epsilon = numberOf(config, ["norm_eps"], 1e-5);
  const tied = flagOf(config, ["tie_embedding", "tie_word_embeddings"], true);
  const taps = countOf(config, ["conv_L_cache"], 3);
  const bias = flagOf(config, ["conv_bias"], false);
  const rope = parseRope(config, headDim, 1_000_000);
  expectHeads(heads, kvHeads, headDim);
  if (taps < 2) throw unsupported(`its convolution has ${taps} tap, and at least 2 are needed`);

  const width = feedForwardWidth(config);
  const layerSpecs = layerTypes(config).map((type, i) => {
    const prefix = `model.layers.${i}.`;
    const norms = [`${prefix}self_attn.q_layernorm.weight`, `${prefix}self_attn.k_layernorm.weight`] as const;
    const attention: AttentionSpec | null =
      type === "conv"
        ? null
        : { prefix: `${prefix}self_attn.`, hidden, heads, kvHeads, headDim, outputName: "out_proj", bias: false, norms, epsilon };
    const conv: ConvSpec = { prefix: `${prefix}conv.`, hidden, taps, bias };
    const names = ["w1", "w3", "w2"] as const; // gate, up, down
    const feedForward: FeedForwardSpec = { prefix: `${prefix}feed_forward.`, hidden, width, names, bias: false };
    return { prefix, attention, conv, feedForward };
  });
  const embed = { ...linear(EMBED, vocabularySize, hidden), table: true };
  const head = tied ? embed : { ...linear("lm_head", vocabularySize, hidden), table: true };

  return {
    shape: { vocabularySize, maxPositions },
    epsilon,
    linears: [
      embed,
      ...(tied ? [] : [head]),
      ...layerSpecs.flatMap(({ attention, conv, feedForward }) => [
        ...(attention ? attentionLinears(attention) : convLinears(conv)),
        ...feedForwardLinears(feedForward),
      ]),
    ],
    async build(builder, weights) {
      const table = await weights.table(embed);
      const angles = uploadAngles(builder, rope);
      const norm = (name: string) => weights.vector(`${name}.weight`, hidden);

      const residual = builder.float("residual", hidden);
      builder.embed("embed", table, residual);
      for (const { prefix, attention, conv, feedForward } of layerSpecs) {
        const toOperator = builder.norm(`${prefix}operator_norm`, residual, await norm(`${prefix}operator_norm`), epsilon);
        if (attention) await attentionBlock(builder, weights, attention, angles, headDim, toOperator, residual);
        else await convBlock(builder, weights, conv, toOperator, residual);
        const toFeedForward = builder.norm(`${prefix}ffn_norm`, residual, await norm(`${prefix}ffn_norm`), epsilon);
        await feedForwardBlock(builder, weights, feedForward, toFeedForward, residual);
      }
      // The final norm, whatever its name says.
      const last = builder.norm("embedding_norm", residual, await norm("model.embedding_norm"), epsilon, true);
      const logits = builder.float("logits", vocabularySize, builder.options.maxHeadRows);
      return builder.head("head", last, tied ? table : await weights.table(head), logits);
    },
  };
}

function convLinears({ prefix, hidden }: ConvSpec): readonly [input: LinearSpec, output: LinearSpec] {
  return [linear(`${prefix}in_proj`, 3 * hidden, hidden), linear(`${prefix}out_proj`, hidden, hidden)];
}

/** residual += out_proj(C * conv(B * x)) with B, C, x = in_proj(input). */
async function convBlock(builder: Builder, weights: WeightLoader, spec: ConvSpec, input: Rows, residual: FloatRows): Promise<void> {
  const { prefix, hidden, taps, bias } = spec;
  const [inputSpec, outputSpec] = convLinears(spec);
  const gates = builder.linear(`${prefix}in_proj`, input, await weights.matrix(inputSpec), builder.float("conv gates", 3 * hidden), {
    bias: bias ? await biases(weights, inputSpec) : null,
  });
  const convolved = builder.shortConv(
    `${prefix}conv`,
    gates,
    await weights.vector(`${prefix}conv.weight`, hidden * taps),
    taps,
    bias ? await weights.vector(`${prefix}conv.bias`, hidden) : null,
  );
  builder.addLinear(`${prefix}out_proj`, convolved, await weights.matrix(outputSpec), residual, {
    bias: bias ? await biases(weights, outputSpec) : null,
  });
}

function layerTypes(config: Json): readonly ("conv" | "full_attention")[] {
  const layers = countOf(config, ["num_hidden_layers"]);
  const types = listOf(config, "layer_types");
  if (types) {
    if (types.length !== layers) throw damaged(`layer_types has ${types.length} entries for ${layers} layers`);
    return types.map((type) => {
      if (type === "conv" || type === "full_attention") return type;
      throw unsupported(`it has a layer of the type ${String(type)}`);
    });
  }
  const attention = new Set(listOf(config, "full_attn_idxs") ?? Array.from({ length: layers }, (_, i) => i));
  return Array.from({ length: layers }, (_, i) => (attention.has(i) ? "full_attention" : "conv"));
}

/** The width that the tensors have: two thirds of the configured one, times a factor, rounded up, where the config asks for that. */
function feedForwardWidth(config: Json): number {
  const configured = countOf(config, ["block_ff_dim", "intermediate_size"]);
  if (!flagOf(config, ["block_auto_adjust_ff_dim"], true)) return configured;
  const multiple = countOf(config, ["block_multiple_of"], 256);
  const adjusted = Math.trunc(numberOf(config, ["block_ffn_dim_multiplier"], 1) * Math.trunc((2 * configured) / 3));
  return multiple * Math.ceil(adjusted / multiple);
}

export const lfm2: Family = { modelType: "lfm2", parse };
