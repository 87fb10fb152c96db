"""Builds a random model, stores it as published checkpoints are stored, and computes what it answers."""

import json
import math
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, DynamicCache, Lfm2Config, LlamaConfig, Qwen3Config

from cases import Case
from spelling import respell

CONFIGS = {"lfm2": Lfm2Config, "llama": LlamaConfig, "qwen3": Qwen3Config}
PROMPT, STEPS = 8, 16  # tokens of the greedy golden


def randomise(model, case: Case, seed: int) -> None:
    """Norms spread around one and nothing is left at its initial value: an ignored weight has to show."""
    rng = torch.Generator().manual_seed(seed)
    final = "model.embedding_norm.weight" if case.family == "lfm2" else "model.norm.weight"
    hidden = model.config.hidden_size
    tied = model.config.tie_word_embeddings
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=rng)
        if "norm" in name:
            value = 1 + 0.3 * noise
            if name == final:
                value *= case.final_norm_gain
            if name.endswith(("q_layernorm.weight", "k_layernorm.weight", "q_norm.weight", "k_norm.weight")):
                value *= case.qk_gain
        elif name.endswith(".bias"):
            value = 0.3 * noise
        elif "embed_tokens" in name:
            # Small next to what the layers add, or a tied model would only repeat its last token.
            value = noise * (case.embed_std or (3 / math.sqrt(hidden) if tied else 1.0))
        elif "lm_head" in name:
            value = noise * 3 / math.sqrt(hidden)
        elif "conv.conv" in name:
            value = noise / math.sqrt(p.shape[-1])
        else:
            value = noise / math.sqrt(p.shape[-1])
            if case.family == "llama" and name.endswith(("q_proj.weight", "k_proj.weight")):
                value *= 1.3 * case.qk_gain
        with torch.no_grad():
            p.copy_(value)


def write(case: Case, seed: int, folder: Path) -> None:
    config = CONFIGS[case.family](**json.loads(json.dumps(case.config)))
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    randomise(model, case, seed)
    shards = {"max_shard_size": case.shard_size} if case.shard_size else {}
    model.to(case.dtype).save_pretrained(folder, **shards)
    if case.extra_head:
        weights = load_file(folder / "model.safetensors")
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    if case.spelling:
        path = folder / "config.json"
        saved = json.loads(path.read_text())
        path.rename(folder / "config.saved.json")
        path.write_text(json.dumps(respell(case.spelling, saved, case.config), indent=2) + "\n")


def load(folder: Path, dtype=torch.float32):
    # dtype has to be said: from transformers 5 on the default is the file's own, so a bf16 file would run in bf16.
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="eager").eval()


@torch.no_grad()
def forward(model, tokens: torch.Tensor) -> torch.Tensor:
    return model(tokens[None], use_cache=False).logits[0].contiguous()  # [T, vocab]


@torch.no_grad()
def greedy(model, prompt: list[int]) -> tuple[list[int], float]:
    """The continuation by full forward passes, the same by cached steps, and the narrowest win of a step.

    Nothing stops it: an end token in the middle is followed like any other.
    """
    tokens, margin = list(prompt), math.inf
    cache, pending, cached = DynamicCache(config=model.config), list(prompt), []
    for _ in range(STEPS):
        top = forward(model, torch.tensor(tokens))[-1].topk(2)
        margin = min(margin, (top.values[0] - top.values[1]).item())
        tokens.append(top.indices[0].item())
        step = model(torch.tensor([pending]), past_key_values=cache, use_cache=True).logits[0, -1]
        cached.append(step.argmax().item())
        pending = [cached[-1]]
    answer = tokens[len(prompt):]
    assert cached == answer, "cached decoding disagrees with full passes"
    return answer, margin


def random_tokens(case: Case, seed: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed + 1)
    vocab = case.config["vocab_size"]
    tokens = torch.randint(0, vocab, (case.length,), generator=rng)
    # Both ends of the table, the padding id as an ordinary row, and one token twice running.
    tokens[0], tokens[3], tokens[5], tokens[6] = 1, vocab - 1, 0, 0
    return tokens
