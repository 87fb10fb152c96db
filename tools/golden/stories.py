"""Adds logits to the one trained model here, after checking that the text it came with can still be reproduced."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from model import forward, load

TOKENS = 32  # of the first case; the logits of a real model, for measures that random weights would not allow


@torch.no_grad()
def make(folder: Path) -> None:
    model = load(folder)
    cases = json.loads((folder / "golden.json").read_text())["cases"]
    for case in cases:
        prompt, answer = case["prompt_tokens"], case["greedy_tokens"]
        logits = forward(model, torch.tensor(prompt + answer))
        # One pass is enough: each row predicts the next token of the text it has seen.
        assert logits[len(prompt) - 1:-1].argmax(-1).tolist() == answer, case["prompt"]
    tokens = torch.tensor((cases[0]["prompt_tokens"] + cases[0]["greedy_tokens"])[:TOKENS])
    save_file({"tokens": tokens.int(), "logits": forward(model, tokens)}, folder / "golden.safetensors")
    print(f"stories260k: {len(cases)} continuations reproduced, logits of {TOKENS} tokens written")
