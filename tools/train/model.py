"""The model: a small LFM2, as transformers has it, and what makes training it on a CPU quicker."""

import torch
import torch.nn.functional as F
from transformers import Lfm2Config, Lfm2ForCausalLM
from transformers.models.lfm2.modeling_lfm2 import Lfm2ShortConv

from chat import BOS, IM_END, PAD

CONTEXT = 1024


def config(vocab: int) -> Lfm2Config:
    return Lfm2Config(
        vocab_size=vocab, hidden_size=256, intermediate_size=768, block_auto_adjust_ff_dim=False,
        num_hidden_layers=8, num_attention_heads=4, num_key_value_heads=2,
        layer_types=["conv", "conv", "full_attention", "conv", "full_attention", "conv", "full_attention", "conv"],
        max_position_embeddings=CONTEXT, norm_eps=1e-5, conv_L_cache=3, conv_bias=False,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        pad_token_id=PAD, bos_token_id=BOS, eos_token_id=IM_END, tie_word_embeddings=True,
    )


def create(vocab: int) -> Lfm2ForCausalLM:
    model = Lfm2ForCausalLM(config(vocab))
    for module in model.modules():
        if isinstance(module, Lfm2ShortConv):
            # A kernel that starts as "the current token" instead of as noise of 0.02 lets the gradient through.
            with torch.no_grad():
                module.conv.weight.normal_(0, 0.1)[:, :, -1] += 1.0
    return model


def quick_conv(model: Lfm2ForCausalLM) -> None:
    """Three shifted products instead of a grouped convolution. For training only: it keeps no state."""
    def forward(self, hidden_states, past_key_values=None, attention_mask=None, **kwargs):
        b, c, x = self.in_proj(hidden_states).chunk(3, dim=-1)
        z, taps = b * x, self.conv.weight.squeeze(1).T  # [taps, channels], the last is the current token's
        y = z * taps[2]
        y[:, 1:] += z[:, :-1] * taps[1]
        y[:, 2:] += z[:, :-2] * taps[0]
        return self.out_proj(c * y)

    for module in model.modules():
        if isinstance(module, Lfm2ShortConv):
            module.forward = forward.__get__(module)


def losses(model, ids: torch.Tensor, positions: torch.Tensor, weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Natural-log losses of the tokens that count, and their weights. All arguments [rows, length].

    Positions start again at 0 with each document of a row: transformers then keeps attention inside it.
    """
    hidden = model.model(ids, position_ids=positions, use_cache=False).last_hidden_state[:, :-1]
    counts = weights[:, 1:] > 0
    logits = F.linear(hidden[counts], model.model.embed_tokens.weight).float()
    return F.cross_entropy(logits, ids[:, 1:][counts], reduction="none"), weights[:, 1:][counts]
