// Llama and what is built like it (SmolLM2, TinyStories): pre-norm, grouped-query attention, gated feed-forward.
import {
  type AttentionSpec,
  attentionBlock,
  attentionLinears,
  expectHeads,
  type FeedForwardSpec,
  feedForwardBlock,
  feedForwardLinears,
  linear,
  uploadAngles,
} from "./blocks";
import { countOf, flagOf, type Json, numberOf, unsupported } from "./config";
import type { Family, Model } from "./family";
import { parseRope } from "./rope";

const EMBED = "model.embed_tokens";

/** A model of Llama's layers; `normed` where each query and key head has a root-mean-square norm before it is turned. */
export function parseLlama(config: Json, normed: boolean): Model {
  const hidden = countOf(config, ["hidden_size"]);
  const heads = countOf(config, ["num_attention_heads"]);
  const kvHeads = countOf(config, ["num_key_value_heads"], heads);
  const headDim = countOf(config, ["head_dim"], hidden / heads);
  const width = countOf(config, ["intermediate_size"]);
  const layers = countOf(config, ["num_hidden_layers"]);
  const vocabularySize = countOf(config, ["vocab_size"]);
  const maxPositions = countOf(config, ["max_position_embeddings"], 2048);
  const epsilon = numberOf(config, ["rms_norm_eps"], 1e-6);
  const tied = flagOf(config, ["tie_word_embeddings"], false);
  const rope = parseRope(config, headDim, 10_000);
  const activation = config["hidden_act"] ?? "silu";
  if (activation !== "silu") throw unsupported(`its activation is ${JSON.stringify(activation)}, and only silu is known here`);
  expectHeads(heads, kvHeads, headDim);

  const bias = flagOf(config, ["attention_bias"], false);
  const feedForwardBias = flagOf(config, ["mlp_bias"], false);
  const layerSpecs = Array.from({ length: layers }, (_, i) => {
    const prefix = `model.layers.${i}.`;
    const attention: AttentionSpec = {
      prefix: `${prefix}self_attn.`,
      hidden,
      heads,
      kvHeads,
      headDim,
      outputName: "o_proj",
      bias,
      norms: normed ? [`${prefix}self_attn.q_norm.weight`, `${prefix}self_attn.k_norm.weight`] : null,
      epsilon,
    };
    const names = ["gate_proj", "up_proj", "down_proj"] as const;
    const feedForward: FeedForwardSpec = { prefix: `${prefix}mlp.`, hidden, width, names, bias: feedForwardBias };
    return { prefix, attention, feedForward };
  });
  const embed = { ...linear(EMBED, vocabularySize, hidden), table: true };
  const head = tied ? embed : { ...linear("lm_head", vocabularySize, hidden), table: true };

  return {
    shape: { vocabularySize, maxPositions },
    epsilon,
    linears: [
      embed,
      ...(tied ? [] : [head]),
      ...layerSpecs.flatMap(({ attention, feedForward }) => [...attentionLinears(attention), ...feedForwardLinears(feedForward)]),
    ],
    async build(builder, weights) {
      const table = await weights.table(embed);
      const angles = uploadAngles(builder, rope);
      const norm = (name: string) => weights.vector(`${name}.weight`, hidden);

      const residual = builder.float("residual", hidden);
      builder.embed("embed", table, residual);
      for (const { prefix, attention, feedForward } of layerSpecs) {
        const toAttention = builder.norm(`${prefix}input_layernorm`, residual, await norm(`${prefix}input_layernorm`), epsilon);
        await attentionBlock(builder, weights, attention, angles, headDim, toAttention, residual);
        const afterAttention = await norm(`${prefix}post_attention_layernorm`);
        const toFeedForward = builder.norm(`${prefix}post_attention_layernorm`, residual, afterAttention, epsilon);
        await feedForwardBlock(builder, weights, feedForward, toFeedForward, residual);
      }
      const last = builder.norm("norm", residual, await norm("model.norm"), epsilon, true);
      const logits = builder.float("logits", vocabularySize, builder.options.maxHeadRows);
      return builder.head("head", last, tied ? table : await weights.table(head), logits);
    },
  };
}

export const llama: Family = { modelType: "llama", parse: (config) => parseLlama(config, false) };
