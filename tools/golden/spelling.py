"""Rewrites config.json from what save_pretrained writes to what published checkpoints hold.

transformers 5 saves one canonical spelling; files on the hub were written by many versions. The canonical file stays
beside the published one as config.saved.json, so that a loader can be held to both.
"""


def _lfm2_common(saved: dict, ff: int) -> dict:
    hidden = saved["hidden_size"]
    # Keys that every published LFM2 carries and that no forward pass reads.
    unread = dict(block_dim=hidden, conv_dim=hidden, block_norm_eps=saved["norm_eps"], block_use_swiglu=True,
                  block_use_xavier_init=True, block_mlp_init_scale=1.0, block_out_init_scale=1.0,
                  conv_use_xavier_init=True, use_pos_enc=True, num_heads=saved["num_attention_heads"])
    kept = {k: v for k, v in saved.items() if k not in ("intermediate_size", "tie_word_embeddings", "full_attn_idxs")}
    return kept | unread | dict(block_ff_dim=ff)


def _lfm25(saved: dict, asked: dict) -> dict:
    return _lfm2_common(saved, asked["block_ff_dim"]) | dict(intermediate_size=asked["block_ff_dim"], tie_embedding=True)


def _lfm2(saved: dict, asked: dict) -> dict:
    out = _lfm2_common(saved, asked["block_ff_dim"])
    layers = out.pop("layer_types")
    out["full_attn_idxs"] = [i for i, kind in enumerate(layers) if kind == "full_attention"]
    out["rope_theta"] = out.pop("rope_parameters")["rope_theta"]
    out["torch_dtype"] = out.pop("dtype")
    out["conv_dim_out"] = saved["hidden_size"]
    out["transformers_version"] = "4.54.0.dev0"
    return out


def _block_norm_eps(saved: dict, asked: dict) -> dict:
    return saved | dict(block_norm_eps=1e-5, theta=1e4)  # decoys


def _resaved(saved: dict, asked: dict) -> dict:
    # block_ff_dim still needs the two-thirds rule; this intermediate_size has been through it already.
    return saved | dict(block_ff_dim=asked["block_ff_dim"], intermediate_size=28)


def _llama3(saved: dict, asked: dict) -> dict:
    out = dict(saved)
    rope = out.pop("rope_parameters")
    out["rope_theta"] = rope.pop("rope_theta")
    out["rope_scaling"] = rope
    out["torch_dtype"] = out.pop("dtype")
    out["transformers_version"] = "4.45.0.dev0"
    return out


SPELLINGS = {"lfm2.5": _lfm25, "lfm2": _lfm2, "block_norm_eps": _block_norm_eps, "resaved": _resaved, "llama3": _llama3}


def respell(name: str, saved: dict, asked: dict) -> dict:
    """`saved`: config.json as written by save_pretrained; `asked`: the keywords that the case was built from."""
    return dict(sorted(SPELLINGS[name](saved, asked).items()))
