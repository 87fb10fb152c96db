"""The tiny models: what each one is for, its configuration, and how its weights are stored.

The list spells the features that real checkpoints differ in. Sizes are as small as the feature allows, because every
folder is committed. Every width is a multiple of four, since the engine packs four INT8 codes to a word.
"""

from dataclasses import dataclass, field

import torch

BF16, F16, F32 = torch.bfloat16, torch.float16, torch.float32
C, A = "conv", "full_attention"


@dataclass(frozen=True)
class Case:
    name: str
    what: str  # one line for golden.json
    family: str  # lfm2 | llama | qwen3
    dtype: torch.dtype  # of the stored weights
    config: dict
    length: int = 40  # tokens in the golden forward pass
    spelling: str | None = None  # rewrites config.json as published checkpoints spell it; see spelling.py
    embed_std: float | None = None  # small on purpose where the norms' epsilon has to show
    final_norm_gain: float = 1.0  # wins the logits' spread back from a small tied embedding
    qk_gain: float = 1.0  # sharpens attention, so that one far key can matter among hundreds
    shard_size: str | None = None
    extra_head: bool = False  # the file repeats the tied embedding as lm_head.weight, as Qwen3-0.6B's does
    matters: list[str] = field(default_factory=list)  # mistakes that only this case has to show; see mistakes.py


def lfm2(hidden, heads, kv, layers, ff, multiple, vocab=97, **more):
    rope = {"rope_theta": more.pop("theta", 1e6), "rope_type": "default"}
    return dict(vocab_size=vocab, hidden_size=hidden, num_attention_heads=heads, num_key_value_heads=kv,
                layer_types=layers, num_hidden_layers=len(layers), block_ff_dim=ff, block_multiple_of=multiple,
                rope_parameters=rope, max_position_embeddings=512, bos_token_id=1, eos_token_id=7, pad_token_id=0,
                **more)


def llama(hidden, heads, kv, layers, ff, vocab=97, **more):
    rope = {"rope_type": "default", "rope_theta": more.pop("theta", 1e4)} | more.pop("rope", {})
    return dict(vocab_size=vocab, hidden_size=hidden, num_attention_heads=heads, num_key_value_heads=kv,
                num_hidden_layers=layers, intermediate_size=ff, rope_parameters=rope, max_position_embeddings=512,
                bos_token_id=1, eos_token_id=2, **({"rms_norm_eps": 1e-5} | more))


LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)

CASES = [
    Case("lfm2-tied-f32", "LFM2.5 spelling; ff 100 -> int(2*100/3) = 66 -> 80, the next multiple of 16",
         "lfm2", F32, lfm2(32, 4, 2, [C, A, C, A], 100, 16), spelling="lfm2.5", qk_gain=1.4),
    Case("lfm2-legacy-bf16", "LFM2-350M spelling: full_attn_idxs, top-level rope_theta, no tie key; ff 104 -> 72",
         "lfm2", BF16, lfm2(32, 4, 2, [C, C, A, C], 104, 8, vocab=128, theta=5e4), length=37, spelling="lfm2"),
    Case("lfm2-odd-heads-f16", "3 query heads on 1 key head of 32, hidden 96 = 3*32, attention first, ff 28 as written; "
         "norm_eps 1e-4 on small embeddings, beside a block_norm_eps that nothing reads",
         "lfm2", F16, lfm2(96, 3, 1, [A, C], 28, 256, block_auto_adjust_ff_dim=False, norm_eps=1e-4),
         spelling="block_norm_eps", embed_std=0.02, final_norm_gain=15.0, matters=["eps times ten"]),
    Case("lfm2-conv-bias-bf16", "conv_bias: biases on conv.in_proj, conv.conv and conv.out_proj",
         "lfm2", BF16, lfm2(32, 2, 1, [C, A, C], 80, 8, conv_bias=True)),
    Case("lfm2-gqa4-bf16", "8 query heads on 2 key heads of 16; multiplier 1.1: 36 -> 24 -> 26 -> 28 = 4*7; the config "
         "also carries an adjusted intermediate_size, which block_ff_dim overrides",
         "lfm2", BF16, lfm2(128, 8, 2, [C, A], 36, 4, vocab=64, block_ffn_dim_multiplier=1.1), spelling="resaved"),
    Case("lfm2-long-bf16", "300 tokens: several chunks of keys, and attention that reaches back through them",
         "lfm2", BF16, lfm2(32, 4, 2, [C, A, C, A], 48, 8, vocab=48), length=300, qk_gain=1.6,
         matters=["only the last 128 tokens seen", "only the last 256 tokens seen"]),
    Case("llama-tied-bf16", "9 query heads on 3 key heads of 8, hidden 72 = 9*8, ff 60 = 15*4 (the SmolLM2 shape)",
         "llama", BF16, llama(72, 9, 3, 2, 60, tie_word_embeddings=True, theta=1e5)),
    Case("llama-untied-f32", "an untied head, and head_dim 16 where hidden / heads is 8",
         "llama", F32, llama(32, 4, 2, 2, 56, head_dim=16)),
    Case("llama-rope-llama3-bf16", "llama3 rope scaling, Llama 3.2 spelling: two frequencies kept, two smoothed, four divided",
         "llama", BF16, llama(64, 4, 2, 2, 48, tie_word_embeddings=True, theta=300.0, rope=LLAMA3), length=44,
         spelling="llama3", qk_gain=1.3),
    Case("llama-mha-f16", "no grouping, 2 heads of 24 = 3*8; rms eps 1e-6 on embeddings so small that many are subnormal",
         "llama", F16, llama(48, 2, 2, 2, 64, rms_norm_eps=1e-6), embed_std=0.001,
         matters=["eps times ten", "subnormals flushed"]),
    Case("llama-sharded-f32", "several shards and an index; 4 query heads on 1 key head",
         "llama", F32, llama(32, 4, 1, 2, 64, vocab=192, tie_word_embeddings=True), length=33, shard_size="44KB"),
    Case("llama-bias-bf16", "attention_bias (all four projections), mlp_bias (all three); a redundant lm_head.weight",
         "llama", BF16, llama(32, 4, 2, 2, 64, attention_bias=True, mlp_bias=True, tie_word_embeddings=True),
         extra_head=True),
    Case("qwen3-tied-bf16", "normed query and key heads of 32 where hidden / heads is 16; a redundant lm_head.weight, "
         "as in Qwen3-0.6B's file",
         "qwen3", BF16, llama(64, 4, 2, 3, 96, head_dim=32, tie_word_embeddings=True, theta=1e4, rms_norm_eps=1e-6),
         qk_gain=1.6, extra_head=True),
]
