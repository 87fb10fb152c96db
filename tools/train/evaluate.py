"""Bits per byte on what was set aside, source by source."""

import math
import random

import torch

from chat import draw, encode
from model import losses


@torch.no_grad()
def bits_per_byte(model, tokenizer, held_out: dict[str, list], at_most: int = 24) -> dict[str, float]:
    """Of a chat only the replies count: their bits, over the bytes of their text."""
    figures, device = {}, next(model.parameters()).device
    for source, documents in held_out.items():
        bits = size = 0.0
        for number, document in enumerate(documents[:at_most]):
            turns = draw(document, random.Random(number))
            ids, weights = (torch.tensor([x[:1024]], device=device) for x in encode(tokenizer, turns, 0.0))
            nll, _ = losses(model, ids, torch.arange(ids.shape[1], device=device)[None], weights)
            bits += nll.sum().item() / math.log(2)
            size += sum(len(text.encode()) for role, text in turns if role != "user")
        if size:
            figures[source] = round(bits / size, 4)
    return figures
