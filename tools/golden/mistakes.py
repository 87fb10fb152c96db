"""Mistakes an engine could make, acted out on the weights or the configuration.

A fixture is worth keeping only if it fails for an engine that is wrong, so each mistake that applies to a case must
move its logits. Acting on the weights keeps transformers as the only forward pass: an engine that pairs rope
dimensions (2i, 2i+1) on these weights answers as transformers does on weights whose rows are permuted to match.
"""

import torch

W = dict[str, torch.Tensor]


def _each(w: W, *ends: str):
    return [name for name in w if name.endswith(ends)]


def _heads(cfg: dict) -> tuple[int, int, int]:
    heads, kv = cfg["num_attention_heads"], cfg["num_key_value_heads"]
    return heads, kv, cfg.get("head_dim") or cfg["hidden_size"] // heads


def interleaved_rope(w: W, cfg: dict) -> None:
    _, _, dim = _heads(cfg)
    order = torch.cat([torch.arange(0, dim, 2), torch.arange(1, dim, 2)])
    for name in _each(w, "q_proj.weight", "k_proj.weight", "q_proj.bias", "k_proj.bias",
                      "q_layernorm.weight", "k_layernorm.weight", "q_norm.weight", "k_norm.weight"):
        w[name] = w[name].unflatten(0, (-1, dim))[:, order].flatten(0, 1).contiguous()


def tiled_kv_heads(w: W, cfg: dict) -> None:
    """Query head h reads key head h % kv instead of h // (heads / kv)."""
    heads, kv, dim = _heads(cfg)
    order = [h for k in range(kv) for h in range(heads) if h % kv == k]
    for name in _each(w, "q_proj.weight", "q_proj.bias"):
        w[name] = w[name].unflatten(0, (heads, dim))[order].flatten(0, 1).contiguous()
    for name in _each(w, "o_proj.weight", "self_attn.out_proj.weight"):
        w[name] = w[name].unflatten(1, (heads, dim))[:, order].flatten(1, 2).contiguous()


def scale_from_hidden(w: W, cfg: dict) -> None:
    """Scores divided by sqrt(hidden / heads) although head_dim is given."""
    heads, _, dim = _heads(cfg)
    for name in _each(w, "q_norm.weight") or _each(w, "q_proj.weight", "q_proj.bias"):  # a norm would undo it
        w[name] = w[name] * (dim / (cfg["hidden_size"] / heads)) ** 0.5


def gate_up_swapped(w: W, cfg: dict) -> None:
    for a, b in (("w1.weight", "w3.weight"), ("gate_proj.weight", "up_proj.weight"), ("gate_proj.bias", "up_proj.bias")):
        for name in _each(w, a):
            other = name.removesuffix(a) + b
            w[name], w[other] = w[other], w[name]


def b_c_swapped(w: W, cfg: dict) -> None:
    # B and x may be swapped freely, since only their product is used; C may not.
    for name in _each(w, "conv.in_proj.weight", "conv.in_proj.bias"):
        b, c, x = w[name].chunk(3)
        w[name] = torch.cat([c, b, x])


def taps_reversed(w: W, cfg: dict) -> None:
    for name in _each(w, "conv.conv.weight"):
        w[name] = w[name].flip(-1).contiguous()


def no_conv_history(w: W, cfg: dict) -> None:
    for name in _each(w, "conv.conv.weight"):
        w[name][..., :-1] = 0


def head_from_embedding(w: W, cfg: dict) -> None:
    w["lm_head.weight"] = w["model.embed_tokens.weight"].clone()


def norms_plus_one(w: W, cfg: dict) -> None:
    for name in _each(w, "norm.weight"):
        w[name] = w[name] + 1


def theta_times_ten(w: W, cfg: dict) -> None:
    holder = cfg if "rope_theta" in cfg else cfg["rope_parameters"]
    holder["rope_theta"] *= 10


def eps_times_ten(w: W, cfg: dict) -> None:
    cfg["norm_eps" if "norm_eps" in cfg else "rms_norm_eps"] *= 10


def subnormals_flushed(w: W, cfg: dict) -> None:
    """float16 below 2^-14 read as zero."""
    for name in w:
        w[name] = torch.where(w[name].abs() < 2**-14, torch.zeros_like(w[name]), w[name])


def no_llama3(w: W, cfg: dict) -> None:
    cfg["rope_scaling"] = None


def no_llama3_smoothing(w: W, cfg: dict) -> None:
    cfg["rope_scaling"]["high_freq_factor"] = cfg["rope_scaling"]["low_freq_factor"] + 1e-3


def llama3_divides_all(w: W, cfg: dict) -> None:
    cfg["rope_scaling"] = {"rope_type": "linear", "factor": cfg["rope_scaling"]["factor"]}


def _ones(end: str):
    def apply(w: W, cfg: dict) -> None:
        for name in _each(w, end):
            w[name] = torch.ones_like(w[name])
    return apply


def _zeros(end: str):
    def apply(w: W, cfg: dict) -> None:
        for name in _each(w, end):
            w[name] = torch.zeros_like(w[name])
    return apply


def applicable(w: W, cfg: dict, matters: list[str]) -> dict:
    """Every mistake that this model has to show, by name."""
    heads, kv, dim = _heads(cfg)
    out = {"interleaved rope pairs": interleaved_rope, "rope theta times ten": theta_times_ten,
           "gate and up swapped": gate_up_swapped, "norms as 1 + w": norms_plus_one}
    if 1 < kv < heads:
        out["key heads tiled"] = tiled_kv_heads
    if dim * heads != cfg["hidden_size"]:
        out["scores scaled by hidden / heads"] = scale_from_hidden
    if _each(w, "conv.conv.weight"):
        out |= {"B and C swapped": b_c_swapped, "taps reversed": taps_reversed, "no conv history": no_conv_history}
    if "lm_head.weight" in w and not cfg["tie_word_embeddings"]:
        out["head from the embedding"] = head_from_embedding
    if cfg.get("rope_scaling"):
        out |= {"no llama3 scaling": no_llama3, "no llama3 smoothing": no_llama3_smoothing,
                "all frequencies divided": llama3_divides_all}
    only_here = {"eps times ten": eps_times_ten, "subnormals flushed": subnormals_flushed}
    out |= {name: apply for name, apply in only_here.items() if name in matters}
    for end in sorted({name.split(".", 3)[-1] if ".layers." in name else name for name in w}):
        if end.endswith("norm.weight"):
            out[f"{end} ignored"] = _ones(end)
        if end.endswith(".bias"):
            out[f"{end} ignored"] = _zeros(end)
    return out
