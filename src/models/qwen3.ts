// Qwen3 (Yang et al. 2025), the dense models: Llama's layers with normed query and key heads.
import { flagOf, type Json, unsupported } from "./config";
import type { Family, Model } from "./family";
import { parseLlama } from "./llama";

const DEFAULTS = { head_dim: 128, max_position_embeddings: 32_768 }; // transformers' Qwen3Config

function parse(config: Json): Model {
  if (flagOf(config, ["use_sliding_window"], false)) throw unsupported("some of its layers see a window of tokens");
  return parseLlama({ ...DEFAULTS, ...config }, true);
}

export const qwen3: Family = { modelType: "qwen3", parse };
